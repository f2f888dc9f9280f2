#include <nlohmann/json.hpp>

#include "host/cli/apply.h"
#include "host/cli/bulk.h"
#include "host/cli/commands.h"
#include "host/cli/describe.h"
#include "host/cli/nouns.h"
#include "host/cli/objects.h"
#include "host/cli/yaml.h"

namespace novacron::host::cli {
namespace {

using contract::Kind;
using nlohmann::json;

constexpr const char* kSection = "Objects of any kind";
const OptionSpec kFiles = {"--file", "-f", "FILE", "YAML or JSON, a folder of such files, or - for standard input",
                           {},       true};

std::vector<std::string> names_behind_kind(const Arguments& arguments) {
  return {arguments.positional().begin() + 1, arguments.positional().end()};
}

Command get_command() {
  Command command{.name = "get", .section = kSection, .summary = "List objects, or show some of them"};
  command.arguments = {{"KIND"}, {"NAME", "", false, true}};
  command.options = list_options();
  command.examples = {"novacron get nodes", "novacron get nodes --where 'metadata.generation > 1'",
                      "novacron get plugins -o wide", "novacron get node one -o yaml"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    const Kind& kind = *TRY(session.kind(arguments.at(0)));
    const auto names = names_behind_kind(arguments);
    if (names.empty()) return list_objects(session, kind, arguments);
    std::vector<json> objects;
    for (const std::string& name : names)
      objects.push_back(TRY(get_object(session, kind, name, arguments.get("--at"))));
    const Shape shape = names.size() == 1 ? Shape::kOne : Shape::kList;
    session.print(render_objects(kind, std::move(objects), session.format(), shape, session.now_ns()));
    return ExitCode::kOk;
  };
  return command;
}

const OptionSpec kManager = {"--field-manager", "", "NAME", "who decides the fields that the files have [novacron]"};
const OptionSpec kForce = {"--force-conflicts", "", "", "take over fields that another manager decides"};
const OptionSpec kApplySet = {"--apply-set", "", "NAME", "label all objects as belonging together"};

Result<ApplyOptions> apply_options(const Arguments& arguments) {
  if (!arguments.has("--file")) return usage_error("say what by -f FILE, -f FOLDER or -f -");
  ApplyOptions options;
  options.manager = arguments.get("--field-manager", options.manager);
  options.apply_set = arguments.get("--apply-set");
  options.force = arguments.is_on("--force-conflicts");
  options.prune = arguments.is_on("--prune");
  if (options.prune && options.apply_set.empty()) return usage_error("--prune needs --apply-set NAME");
  return options;
}

Command apply_command() {
  Command command{.name = "apply",
                  .section = kSection,
                  .summary = "Make objects as files say: create, set what the files have, remove what they had"};
  command.options = {kFiles,
                     kManager,
                     kForce,
                     kApplySet,
                     {"--prune", "", "", "delete what is of the apply set and no longer in the files"}};
  command.examples = {"novacron apply -f all.yaml", "novacron apply -f folder/ --dry-run",
                      "novacron apply -f folder/ --apply-set shop --prune", "cat x.json | novacron apply -f -"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    const ApplyOptions options = TRY(apply_options(arguments));
    return apply_files(session, arguments.all("--file"), options);
  };
  return command;
}

Command diff_command() {
  Command command{
      .name = "diff", .section = kSection, .summary = "Show what apply would change; exit status 9 if anything"};
  command.options = {kFiles, kManager, kForce, kApplySet};
  command.examples = {"novacron diff -f all.yaml"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    const ApplyOptions options = TRY(apply_options(arguments));
    return diff_files(session, arguments.all("--file"), options);
  };
  return command;
}

Command delete_command() {
  Command command{.name = "delete", .section = kSection, .summary = "Delete objects, and wait until they are gone"};
  command.arguments = {{"KIND", "", false}, {"NAME", "", false, true}};
  command.options = {kFiles, where_option()};
  command.examples = {"novacron delete node one", "novacron delete plugins -l app=web",
                      "novacron delete -f all.yaml --yes"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    if (arguments.has("--file")) return delete_files(session, arguments.all("--file"));
    if (arguments.positional().empty()) return usage_error("say what by KIND NAME, by KIND -l LABELS, or by -f FILE");
    if (arguments.positional().size() == 1)
      return delete_selected(session, *TRY(session.kind(arguments.at(0))), arguments.get("--where"));
    return delete_objects(session, *TRY(session.kind(arguments.at(0))), names_behind_kind(arguments));
  };
  return command;
}

Result<ExitCode> patch_selected(Session& session, const Kind& kind, const std::string& where, const json& patch) {
  return change_selected(session, kind, where,
                         {.method = "PATCH",
                          .body = patch.dump(-1, ' ', false, json::error_handler_t::replace),
                          .content_type = patch.is_array() ? kJsonPatch : kMergePatch,
                          .done = "changed",
                          .wait = WaitByDefault::kNo});
}

Command patch_command() {
  Command command{.name = "patch",
                  .section = kSection,
                  .summary = "Change objects by a JSON merge patch (RFC 7396), or by a JSON patch (RFC 6902): a list"};
  command.arguments = {{"KIND"}, {"NAME", "", false, true}};
  command.options = {{"--patch", "-p", "TEXT|@FILE", "the patch, as JSON or YAML"}, where_option()};
  command.examples = {"novacron patch node one -p '{\"metadata\":{\"labels\":{\"rack\":\"7\"}}}'",
                      "novacron patch node one -p '[{op: test, path: /metadata/generation, value: 3}, {op: add, path: "
                      "/metadata/labels, value: {rack: \"7\"}}]'",
                      "novacron patch nodes -l zone=a -p '{\"spec\":{\"cordoned\":true}}'"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    const Kind& kind = *TRY(session.kind(arguments.at(0)));
    std::string text = arguments.get("--patch");
    if (text.empty()) return usage_error("say how by --patch");
    if (text[0] == '@') text = TRY(read_flag_file(session, text.substr(1)));
    std::vector<json> documents = TRY(parse_yaml(text));
    if (documents.size() != 1 || !documents[0].is_structured()) return usage_error("--patch is no object and no list");
    const auto names = names_behind_kind(arguments);
    if (names.empty()) return patch_selected(session, kind, arguments.get("--where"), documents[0]);
    for (const std::string& name : names) {
      json changed = TRY(patch_object(session, kind, name, documents[0]));
      TRY(report_change(session, kind, std::move(changed), "changed", WaitByDefault::kNo));
    }
    return ExitCode::kOk;
  };
  return command;
}

Command watch_command() {
  Command command{.name = "watch", .section = kSection, .summary = "List objects and show changes as they come"};
  command.arguments = {{"KIND"}};
  command.examples = {"novacron watch nodes", "novacron watch nodes -o json --timeout 60s"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    return watch_objects(session, *TRY(session.kind(arguments.at(0))));
  };
  return command;
}

Command describe_command() {
  Command command{.name = "describe", .section = kSection, .summary = "Show all of an object in words"};
  command.arguments = {{"KIND"}, {"NAME", "", true, true}};
  command.examples = {"novacron describe node one"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    const Kind& kind = *TRY(session.kind(arguments.at(0)));
    std::string text;
    for (const std::string& name : names_behind_kind(arguments)) {
      const json object = TRY(get_object(session, kind, name));
      text += (text.empty() ? "" : "\n") + describe_object(kind, object, session.now_ns());
    }
    session.print(text);
    return ExitCode::kOk;
  };
  return command;
}

Command explain_command() {
  Command command{.name = "explain", .section = kSection, .summary = "Say what a kind or one of its fields is"};
  command.arguments = {{"KIND[.FIELD…]"}};
  command.examples = {"novacron explain node", "novacron explain node.spec"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    const std::string what = arguments.at(0);
    const contract::Schema& schema = *TRY(session.schema(SchemaUse::kHelp));
    const size_t slash = what.find('/');  // the dots of a group are not those of a path
    const size_t dot = what.find('.', slash == std::string::npos ? 0 : slash);
    const Kind* kind = schema.find_noun(what);
    const std::string path = kind != nullptr || dot == std::string::npos ? "" : what.substr(dot + 1);
    if (kind == nullptr) kind = TRY(session.kind(what.substr(0, dot)));
    session.print(TRY(explain_path(*kind, path)));
    return ExitCode::kOk;
  };
  return command;
}

Command wait_command() {
  Command command{.name = "wait", .section = kSection, .summary = "Wait until objects are as wanted"};
  command.arguments = {{"KIND"}, {"NAME", "", true, true}};
  command.options = {
      {"--for", "", "WHAT", "ready, deleted, a condition's type, or a comparison such as status.phase==READY [ready]"}};
  command.examples = {"novacron wait node one --for ready --timeout 60s"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    const Kind& kind = *TRY(session.kind(arguments.at(0)));
    WaitGoal goal = TRY(parse_goal(kind, arguments.get("--for", "ready")));
    for (const std::string& name : names_behind_kind(arguments)) {
      const json object = TRY(wait_for(session, kind, name, goal));
      session.say(display_name(kind, name) + (object.is_null() ? " deleted" : " " + state_of(kind, object)));
    }
    return ExitCode::kOk;
  };
  return command;
}

std::string verbs_of(const Kind& kind) {
  std::string verbs = "create,list,show,edit,delete";
  for (const auto& verb : kind.verbs) verbs += "," + verb.name;
  for (const auto& action : kind.actions) verbs += "," + action.verb;
  return verbs;
}

Command resources_command() {
  Command command{.name = "api-resources", .section = kSection, .summary = "List the kinds that the host has"};
  command.examples = {"novacron api-resources"};
  command.run = [](Session& session, const Arguments&) -> Result<ExitCode> {
    const contract::Schema& schema = *TRY(session.schema());
    Table table{{"NOUN", "PATH", "KIND", "SCOPE", "VERBS", "SUMMARY"}, {}};
    json list = json::array();
    std::string names;
    for (const Kind& kind : schema.kinds()) {
      const std::string scope = kind.scope == contract::Scope::kHost ? "host" : "tenant";
      table.rows.push_back({noun_of(kind), kind.segment, kind.id, scope, verbs_of(kind), kind.summary});
      list.push_back({{"noun", noun_of(kind)}, {"path", kind.segment}, {"kind", kind.id}, {"scope", scope}});
      names += noun_of(kind) + "\n";
    }
    const Format format = session.format();
    const bool as_value = format == Format::kJson || format == Format::kYaml;
    if (as_value)
      session.print(render_value({{"items", list}}, format));
    else if (format == Format::kName)
      session.print(names);
    else
      session.print(format == Format::kCsv ? render_csv(table) : render_table(table));
    return ExitCode::kOk;
  };
  return command;
}

}  // namespace

std::vector<Command> object_commands() {
  return {get_command(),   apply_command(),    diff_command(),    patch_command(), delete_command(),
          watch_command(), describe_command(), explain_command(), wait_command(),  resources_command()};
}

}  // namespace novacron::host::cli
