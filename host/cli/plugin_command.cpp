#include <nlohmann/json.hpp>

#include "host/cli/commands.h"
#include "host/cli/nouns.h"
#include "host/cli/objects.h"
#include "host/cli/text.h"
#include "host/cli/tool.h"

namespace novacron::host::cli {
namespace {

using contract::Kind;
using nlohmann::json;

/// `--config @FILE` is the file's text; whatever it is, it must be a JSON object. With --enable, enabled is the goal.
Result<WaitGoal> prepare_install(const Kind& kind, Session& session, const Arguments& arguments, json& object) {
  json& spec = object["spec"];
  WaitGoal goal;
  if (arguments.is_on("--enable")) {
    spec["enabled"] = true;
    if (const auto* enable = kind.find_verb("enable")) goal.ready_when = enable->ready_when;
  }
  if (!spec.contains("config_json") || !spec["config_json"].is_string()) return goal;
  std::string config = spec["config_json"].get<std::string>();
  if (config.starts_with('@')) config = TRY(read_flag_file(session, config.substr(1)));
  if (!json::parse(config, nullptr, false).is_object()) return usage_error("--config is no JSON object");
  spec["config_json"] = config;
  return goal;
}

std::string list_text(const json& values) {
  std::string text;
  if (!values.is_array()) return text;
  for (const json& value : values) {
    text += (text.empty() ? "" : ", ");
    text += value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  return text;
}

/// What it may do, one row a permission, with what was asked for beside what was granted.
Table permission_table(const json& object) {
  const json& requested = value_at(object, "status.requested");
  const json& granted =
      value_at(object, value_at(object, "status.granted").is_null() ? "spec.granted" : "status.granted");
  Table table{{"PERMISSION", "ASKED FOR", "GRANTED"}, {}};
  for (const char* name : {"call", "state", "publish", "subscribe", "resources", "blobs", "network", "paths", "devices",
                           "memory_bytes", "threads", "cpu_percent"}) {
    const auto text = [name](const json& permissions) {
      const json& value = value_at(permissions, name);
      if (value.is_array()) return list_text(value);
      if (value.is_string()) return value.get<std::string>();
      return value.is_null() || value == false || value == 0 ? std::string() : value.dump();
    };
    const std::string asked = text(requested);
    const std::string given = granted.is_null() ? asked : text(granted);
    if (!asked.empty() || !given.empty()) table.rows.push_back({name, asked, given});
  }
  return table;
}

/// "SANDBOXED (seccomp, landlock)".
std::string placement_text(const json& status) {
  const std::string layers = text_at(status, "layers");
  return text_at(status, "placement") + (layers.empty() ? "" : " (" + layers + ")");
}

/// "ROLLED_BACK from 1.0.0 to 2.0.0: 3 of 20 calls failed (plugin.more-errors)"; "": there was none.
std::string upgrade_text(const json& status) {
  const json& upgrade = value_at(status, "upgrade");
  if (upgrade.is_null()) return "";
  std::string text =
      text_at(upgrade, "phase") + " from " + text_at(upgrade, "from_version") + " to " + text_at(upgrade, "to_version");
  if (text_at(upgrade, "from_placement") != text_at(upgrade, "to_placement")) {
    text += ", " + text_at(upgrade, "from_placement") + " to " + text_at(upgrade, "to_placement");
  }
  const std::string message = text_at(upgrade, "message");
  const std::string reason = text_at(upgrade, "reason");
  if (!message.empty()) text += ": " + message;
  return reason.empty() ? text : text + " (" + reason + ")";
}

/// What is wrong with it though it runs.
Table trouble_table(const json& status) {
  Table table{{"TROUBLE", "COUNT", "MESSAGE"}, {}};
  const json& faults = value_at(status, "faults");
  for (const json& fault : faults.is_array() ? faults : json::array()) {
    table.rows.push_back({text_at(fault, "reason"), text_at(fault, "count"), text_at(fault, "message")});
  }
  const json& breakers = value_at(status, "breakers");
  for (const json& breaker : breakers.is_array() ? breakers : json::array()) {
    table.rows.push_back({"plugin.breaker-open", value_at(breaker, "failures").dump(),
                          "calls of " + text_at(breaker, "service") + " are refused until one of them succeeds"});
  }
  return table;
}

Result<ExitCode> show_info(Session& session, const Kind& kind, const std::string& name) {
  const json object = TRY(get_object(session, kind, name));
  if (session.globals().format) {
    session.print(render_objects(kind, {object}, session.format(), Shape::kOne, session.now_ns()));
    return ExitCode::kOk;
  }
  const json& status = value_at(object, "status");
  session.print(render_table({{},
                              {{"name", name},
                               {"summary", text_at(status, "summary")},
                               {"version", text_at(status, "version")},
                               {"vendor", text_at(status, "vendor")},
                               {"state", state_of(kind, object)},
                               {"reason", text_at(status, "reason")},
                               {"message", text_at(status, "message")},
                               {"placement", placement_text(status)},
                               {"upgrade", upgrade_text(status)},
                               {"provides", list_text(value_at(status, "provides"))},
                               {"requires", list_text(value_at(status, "requires"))},
                               {"services", list_text(value_at(status, "services"))}}}));
  const Table troubles = trouble_table(status);
  if (!troubles.rows.empty()) session.print("\n" + render_table(troubles));
  const Table permissions = permission_table(object);
  session.print(permissions.rows.empty() ? "\nIt asks for no permissions.\n" : "\n" + render_table(permissions));
  return ExitCode::kOk;
}

}  // namespace

Command plugin_command(const Kind& kind) {
  Command command = noun_command(kind, {"plugin", "plugins"});
  command.section = "The host";
  Command install = create_command(kind, "install", "plugin", {{"--enable", "", "", "enable it at once"}},
                                   [&kind](Session& session, const Arguments& arguments, json& object) {
                                     return prepare_install(kind, session, arguments, object);
                                   });
  install.summary = "Install a plugin, granting what its manifest asks for";
  install.examples = {"novacron plugin install hello --enable", "novacron plugin install hello --config @hello.json"};
  Command info{.name = "info", .section = "Plugins", .summary = "Show what a plugin is and what it may do"};
  info.arguments = {{"NAME"}};
  info.run = [&kind](Session& session, const Arguments& arguments) {
    return show_info(session, kind, arguments.at(0));
  };
  Command remove = *command.find_child("delete");
  remove.name = "remove";
  remove.aliases = {"uninstall"};
  remove.summary = "Remove a plugin, and wait until it is gone";
  remove.examples = {"novacron plugin remove hello --yes"};
  Command top = plugin_top_command();
  Command revive = plugin_revive_command(kind);
  Command upgrade = plugin_upgrade_command(kind);
  std::erase_if(command.children, [](const Command& child) { return child.name == "upgrade"; });
  for (Command* own : {&install, &info, &upgrade, &top, &revive, &remove}) {
    own->section = "Plugins";
    command.children.insert(command.children.begin(), std::move(*own));
  }
  for (Command& own : plugin_author_commands()) command.children.push_back(std::move(own));
  return command;
}

}  // namespace novacron::host::cli
