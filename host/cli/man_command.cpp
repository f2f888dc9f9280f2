#include "host/base/file.h"
#include "host/cli/commands.h"
#include "host/cli/manual.h"
#include "host/cli/suggest.h"

namespace novacron::host::cli {
namespace {

/// All pages, a file each.
Status write_pages(const Command& root, const std::string& folder) {
  TRY_STATUS(make_folder(folder, 0755));
  Status written;
  for_each_command(root, root.name, [&](const Command& command, const std::string& path) {
    if (!written.ok()) return;
    written = write_file(folder + "/" + manual_name(path) + ".1", manual_page(command, path, global_options()), 0644);
  });
  return written;
}

Result<ExitCode> print_page(Session& session, const Command& root, const std::vector<std::string>& words) {
  const Command* command = &root;
  std::string path = root.name;
  for (const std::string& word : words) {
    const Command* child = command->find_child(word);
    if (child == nullptr) {
      std::vector<std::string> names;
      for (const Command& other : command->children) names.push_back(other.name);
      return usage_error("`" + path + "` has no command `" + word + "`." + did_you_mean(word, names));
    }
    command = child;
    path += " " + child->name;
  }
  session.print(manual_page(*command, path, global_options()));
  return ExitCode::kOk;
}

Result<ExitCode> run_man(Session& session, const Arguments& arguments) {
  const bool own = arguments.is_on("--own");
  const contract::Schema* schema = own ? nullptr : TRY(session.schema(SchemaUse::kHelp));
  const auto core = contract::core_schema();
  const Command root = command_tree(own ? core.get() : schema);
  if (!arguments.has("--all")) return print_page(session, root, arguments.positional());
  if (!arguments.positional().empty()) return usage_error("--all writes every page; leave the command away");
  TRY_STATUS(write_pages(root, arguments.get("--all")));
  return ExitCode::kOk;
}

}  // namespace

Command man_command() {
  Command command{.name = "man",
                  .section = "Where and who",
                  .summary = "Print the manual page of a command",
                  .details =
                      "Commands that a contract brings have pages too; they come from the host's schema, or from "
                      "the one that it had last. The page is roff: give it to man(1)."};
  command.arguments = {{"COMMAND", "its words; without any: of novacron itself", false, true}};
  command.options = {{"--all", "", "FOLDER", "write all pages there, a file each"},
                     {"--own", "", "", "the host's own kinds alone, without asking a host"}};
  command.examples = {"novacron man plugin install | man -l -", "novacron man --all ~/.local/share/man/man1"};
  command.run = run_man;
  return command;
}

}  // namespace novacron::host::cli
