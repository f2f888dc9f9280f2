#include "host/cli/app.h"

#include <algorithm>
#include <iostream>

#include "host/cli/commands.h"
#include "host/cli/nouns.h"
#include "host/cli/session.h"
#include "host/cli/text.h"
#include "host/cli/tool.h"

namespace novacron::host::cli {
namespace {

constexpr const char* kComplete = "__complete";
constexpr const char* kPluginKind = "novacron.core/Plugin";
constexpr const char* kOperationKind = "novacron.core/Operation";
constexpr const char* kBlobKind = "novacron.core/Blob";

void print_error(Environment& environment, const Error& error) {
  std::ostream& err = environment.err;
  const bool red = environment.err_is_terminal && environment.variable("NO_COLOR").empty();
  err << (red ? "\x1b[31mnovacron:\x1b[0m " : "novacron: ") << printable(error.message) << "\n";
  for (const FieldViolation& field : error.fields) err << printable("  " + field.path + ": " + field.message) << "\n";
  const bool from_host = !error.reason.empty() && !error.reason.starts_with("cli.");
  if (from_host) err << printable("  reason: " + error.reason) << "\n";
  if (error.code == Code::kUnauthenticated) err << "  Log in: novacron login URL\n";
  if (error.reason == kUnreachableReason || error.reason == kCertificateReason)
    err << "  Find out why: novacron doctor\n";
  err << std::flush;
}

Result<ExitCode> print_help(Session& session, const Command& command, const std::string& path) {
  const std::string text = help_text(command, path, global_options(), session.environment().width);
  session.print(printable_lines(text));
  return ExitCode::kOk;
}

/// The unfinished command line stands behind "--".
Result<ExitCode> complete(Session& session, const std::vector<std::string>& words) {
  const auto dashes = std::find(words.begin(), words.end(), "--");
  const std::vector<std::string> line(dashes == words.end() ? words.end() : dashes + 1, words.end());
  const contract::Schema& schema = *TRY(session.schema(SchemaUse::kCached));
  for (const std::string& word : completions(command_tree(&schema), global_options(), line))
    session.print(printable(word) + "\n");
  return ExitCode::kOk;
}

Result<ExitCode> run_line(Session& session, const Command& root, const std::vector<OptionSpec>& everywhere,
                          const std::vector<std::string>& line) {
  const Parsed parsed = TRY(parse_command_line(root, everywhere, line));
  if (parsed.help) return print_help(session, *parsed.command, parsed.path);
  TRY_STATUS(session.read_globals(parsed.arguments));
  return parsed.command->run(session, parsed.arguments);
}

/// What can be understood without a schema of `plugin`.
Command author_tree() {
  Command plugin{.name = "plugin", .aliases = {"plugins"}};
  plugin.children = plugin_author_commands();
  Command root{.name = "novacron", .summary = "Manage the objects of a NovaCron host"};
  root.children.push_back(std::move(plugin));
  return root;
}

Result<ExitCode> run_words(Environment& environment, const std::vector<std::string>& words) {
  const std::vector<OptionSpec> everywhere = global_options();
  const Prescan scan = prescan(everywhere, words);
  const std::string first = scan.words.empty() ? "" : scan.words[0];
  Session session(environment, scan.options);
  if (first == kComplete) return complete(session, words);
  const contract::Schema* schema = nullptr;
  const bool wants_help = scan.help || first.empty() || first == "help";
  if (is_plugin_author_command(scan.words)) return run_line(session, author_tree(), everywhere, words);
  if (!is_own_command(first)) schema = TRY(session.schema(wants_help ? SchemaUse::kHelp : SchemaUse::kFresh));
  const Command root = command_tree(schema);
  std::vector<std::string> line = words;
  if (first == "help") {
    line.erase(std::find(line.begin(), line.end(), "help"));
    line.push_back("--help");
  }
  if (first.empty() && !scan.help) return print_help(session, root, root.name);
  return run_line(session, root, everywhere, line);
}

std::vector<std::string> own_names(const std::vector<Command>& commands) {
  std::vector<std::string> names = {"help", "plugin", "plugins", "blob", "blobs", "operation", "operations", "op"};
  for (const Command& command : commands) {
    names.push_back(command.name);
    names.insert(names.end(), command.aliases.begin(), command.aliases.end());
  }
  return names;
}

std::vector<Command> own_commands() {
  std::vector<Command> commands = object_commands();
  for (auto* more : {host_commands, config_commands, login_commands}) {
    for (Command& command : more()) commands.push_back(std::move(command));
  }
  commands.push_back(completion_command());
  commands.push_back(man_command());
  commands.push_back(support_bundle_command());
  return commands;
}

}  // namespace

Command command_tree(const contract::Schema* schema) {
  Command root{.name = "novacron", .summary = "Manage the objects of a NovaCron host"};
  root.children = own_commands();
  const std::vector<std::string> reserved = own_names(root.children);
  if (schema == nullptr) return root;
  std::vector<Command> nouns;
  if (const contract::Kind* plugin = schema->find_kind(kPluginKind)) nouns.push_back(plugin_command(*plugin));
  if (const contract::Kind* operation = schema->find_kind(kOperationKind))
    nouns.push_back(operation_command(*operation));
  nouns.push_back(blob_command(schema->find_kind(kBlobKind)));
  for (Command& noun : noun_commands(*schema, reserved)) nouns.push_back(std::move(noun));
  root.children.insert(root.children.begin(), std::make_move_iterator(nouns.begin()),
                       std::make_move_iterator(nouns.end()));
  return root;
}

bool is_own_command(const std::string& word) {
  const std::vector<Command> commands = own_commands();
  return std::any_of(commands.begin(), commands.end(),
                     [&](const Command& command) { return command.answers_to(word); });
}

ExitCode run(Environment& environment, const std::vector<std::string>& words) {
  const auto result = run_words(environment, words);
  if (result.ok()) return *result;
  print_error(environment, result.error());
  return exit_code(result.error());
}

}  // namespace novacron::host::cli
