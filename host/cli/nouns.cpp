#include "host/cli/nouns.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/cli/bulk.h"
#include "host/cli/edit.h"
#include "host/cli/flag_value.h"
#include "host/cli/flags.h"
#include "host/cli/objects.h"
#include "host/cli/terminal.h"

namespace novacron::host::cli {
namespace {

using contract::Action;
using contract::ActionStream;
using contract::Kind;
using contract::PatchVerb;
using nlohmann::json;

constexpr const char* kObjects = "Objects";
constexpr const char* kVerbs = "Verbs";

const std::vector<ArgumentSpec> kOneName = {{"NAME"}};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return text;
}

Command list_command(const Kind& kind, const std::string& noun) {
  Command command{.name = "list", .aliases = {"ls"}, .section = kObjects, .summary = "List " + kind.plural};
  command.options = list_options();
  command.examples = {"novacron " + noun + " list", "novacron " + noun + " list -l app=web -o json",
                      "novacron " + noun + " list --sort-by 'metadata.created_at desc'"};
  command.run = [&kind](Session& session, const Arguments& arguments) {
    return list_objects(session, kind, arguments);
  };
  return command;
}

Command show_command(const Kind& kind, const std::string& noun) {
  Command command{
      .name = "show", .aliases = {"get"}, .section = kObjects, .summary = "Show one, as YAML unless -o says else"};
  command.arguments = kOneName;
  command.examples = {"novacron " + noun + " show one", "novacron " + noun + " show one -o json"};
  command.run = [&kind](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    if (session.globals().format) return show_object(session, kind, arguments.at(0));
    const json object = TRY(get_object(session, kind, arguments.at(0)));
    session.print(render_value(object, Format::kYaml));
    return ExitCode::kOk;
  };
  return command;
}

Command delete_command(const Kind& kind, const std::string& noun) {
  Command command{
      .name = "delete", .aliases = {"rm"}, .section = kObjects, .summary = "Delete, and wait until it is gone"};
  command.arguments = {{"NAME", "", false, true}};
  command.options = {where_option()};
  command.examples = {"novacron " + noun + " delete one --yes", "novacron " + noun + " delete -l app=web --dry-run"};
  command.run = [&kind](Session& session, const Arguments& arguments) {
    if (arguments.positional().empty()) return delete_selected(session, kind, arguments.get("--where"));
    return delete_objects(session, kind, arguments.positional());
  };
  return command;
}

Command edit_command(const Kind& kind, const std::string& noun) {
  Command command{.name = "edit", .section = kObjects, .summary = "Change it: by flags, or without any in your editor"};
  command.arguments = kOneName;
  auto flags = derive_flags(*kind.spec, global_options());
  for (const Flag& flag : flags) command.options.push_back(option_of(flag));
  command.options.push_back({"--label", "", "KEY=VALUE", "a label; KEY= removes it", {}, true});
  command.options.push_back({"--annotation", "", "KEY=VALUE", "an annotation; KEY= removes it", {}, true});
  command.examples = {"novacron " + noun + " edit one", "novacron " + noun + " edit one --label tier=web"};
  command.run = [&kind, flags](Session& session, const Arguments& arguments) {
    return edit_object(session, kind, flags, arguments);
  };
  return command;
}

Command verb_command(const Kind& kind, const PatchVerb& verb, const std::string& noun) {
  Command command{.name = verb.name, .section = kVerbs, .summary = verb.summary};
  command.arguments = {{"NAME", "", false, true}};
  command.options = {where_option()};
  command.examples = {"novacron " + noun + " " + verb.name + " one",
                      "novacron " + noun + " " + verb.name + " -l app=web"};
  command.run = [&kind, &verb](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    if (arguments.positional().empty()) {
      return change_selected(session, kind, arguments.get("--where"),
                             {.verb = verb.name, .done = verb.name + ": done", .ready_when = verb.ready_when});
    }
    Client& client = *TRY(session.client());
    for (const std::string& name : arguments.positional()) {
      const std::string path = TRY(session.object_path(kind, name)) + ":" + verb.name;
      const std::string target = with_query(path, {{"dry_run", session.globals().dry_run ? "true" : ""}});
      json object = TRY(client.change({.method = "POST", .target = target}));
      const WaitGoal goal{.ready_when = verb.ready_when};
      TRY(report_change(session, kind, std::move(object), verb.name + ": done", WaitByDefault::kYes, goal));
    }
    return ExitCode::kOk;
  };
  return command;
}

Command terminal_command(const Kind& kind, const Action& action, const std::string& noun) {
  Command command{.name = action.verb, .section = kVerbs, .summary = action.summary};
  command.details = "Ends with Ctrl-]. When standard input is no terminal, it only prints.";
  command.arguments = kOneName;
  command.options = {{"--until", "", "TEXT", "end with success when this text has been seen"}};
  command.examples = {"novacron " + noun + " " + action.verb + " one",
                      "novacron " + noun + " " + action.verb + " one --until 'login:' --timeout 60s"};
  command.run = [&kind, &action](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    if (session.globals().dry_run) return run_action(session, kind, action, arguments.at(0), "{}");
    const std::string path = TRY(session.object_path(kind, arguments.at(0)));
    return run_terminal(session, path + ":" + action.verb, arguments.get("--until"));
  };
  return command;
}

/// The fields of the request but `object`, which the host fills.
std::vector<Flag> action_flags(const Action& action) {
  std::vector<Flag> flags = derive_flags(*action.method.request, global_options());
  std::erase_if(flags, [](const Flag& flag) { return flag.path[0] == "object"; });
  return flags;
}

Command action_command(const Kind& kind, const Action& action, const std::string& noun) {
  if (action.stream == ActionStream::kTty || action.stream == ActionStream::kBytes) {
    return terminal_command(kind, action, noun);
  }
  Command command{.name = action.verb, .section = kVerbs, .summary = action.summary};
  const auto flags = action_flags(action);
  const auto positional = positional_flags(flags);
  const bool of_many = !action.read_only && action.stream == ActionStream::kNone && positional.empty();
  command.arguments = {{"NAME", "", !of_many}};
  for (const Flag& flag : flags) command.options.push_back(option_of(flag));
  for (const Flag& flag : positional) command.arguments.push_back({flag.name.substr(2), "", false});
  if (of_many) command.options.push_back(where_option());
  command.examples = {"novacron " + noun + " " + action.verb + " one"};
  command.run = [&kind, &action, flags](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    json body = json::object();
    const auto read_file = [&](const std::string& path) { return read_flag_file(session, path); };
    TRY_STATUS(apply_flags(flags, arguments, 1, read_file, body));
    if (arguments.positional().empty()) {
      return change_selected(session, kind, arguments.get("--where"),
                             {.verb = action.verb, .body = body.dump(), .done = action.verb + ": done"});
    }
    return run_action(session, kind, action, arguments.at(0), body.dump());
  };
  return command;
}

std::vector<std::string> free_nouns(const Kind& kind, const std::vector<std::string>& taken) {
  std::vector<std::string> nouns = kind.short_names;
  for (const std::string& noun : {lower(kind.name), kind.segment}) nouns.push_back(noun);
  std::vector<std::string> found;
  for (const std::string& noun : nouns) {
    const bool is_taken = std::find(taken.begin(), taken.end(), noun) != taken.end();
    if (!is_taken && std::find(found.begin(), found.end(), noun) == found.end()) found.push_back(noun);
  }
  return found;
}

}  // namespace

Command noun_command(const Kind& kind, std::vector<std::string> nouns) {
  Command command{.name = nouns[0], .section = "Nouns of " + kind.group, .summary = kind.summary};
  command.aliases.assign(nouns.begin() + 1, nouns.end());
  const std::string& noun = command.name;
  command.children = {create_command(kind, "create", noun), list_command(kind, noun), show_command(kind, noun),
                      edit_command(kind, noun), delete_command(kind, noun)};
  for (const PatchVerb& verb : kind.verbs) {
    if (command.find_child(verb.name) == nullptr) command.children.push_back(verb_command(kind, verb, noun));
  }
  for (const Action& action : kind.actions) {
    if (command.find_child(action.verb) == nullptr) command.children.push_back(action_command(kind, action, noun));
  }
  return command;
}

std::vector<Command> noun_commands(const contract::Schema& schema, const std::vector<std::string>& reserved) {
  std::vector<std::string> taken = reserved;
  std::vector<Command> commands;
  for (const Kind& kind : schema.kinds()) {
    const std::vector<std::string> nouns = free_nouns(kind, taken);
    if (nouns.empty()) continue;
    taken.insert(taken.end(), nouns.begin(), nouns.end());
    commands.push_back(noun_command(kind, nouns));
  }
  return commands;
}

Command create_command(const Kind& kind, const std::string& name, const std::string& noun, std::vector<OptionSpec> more,
                       Prepare prepare) {
  Command command{.name = name, .section = kObjects, .summary = "Create one, and wait until it is ready"};
  command.arguments = kOneName;
  command.options = std::move(more);
  std::vector<OptionSpec> taken = global_options();
  taken.insert(taken.end(), command.options.begin(), command.options.end());
  auto flags = derive_flags(*kind.spec, taken);
  for (const Flag& flag : flags) command.options.push_back(option_of(flag));
  for (const Flag& flag : positional_flags(flags)) command.arguments.push_back({flag.name.substr(2), "", false});
  command.options.push_back({"--label", "", "KEY=VALUE", "a label", {}, true});
  command.options.push_back({"--annotation", "", "KEY=VALUE", "an annotation", {}, true});
  command.options.push_back({"--from-file", "-f", "FILE", "YAML or JSON to start from; - is standard input"});
  command.examples = {example_of(kind, flags, noun + " " + name)};
  command.run = [&kind, flags, prepare](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    json object = TRY(object_from_flags(session, kind, flags, arguments));
    WaitGoal goal;
    if (prepare) goal = TRY(prepare(session, arguments, object));
    json created = TRY(create_object(session, kind, object));
    return report_change(session, kind, std::move(created), "created", WaitByDefault::kYes, std::move(goal));
  };
  return command;
}

}  // namespace novacron::host::cli
