// The host's own settings and log.
#include <nlohmann/json.hpp>

#include "host/cli/commands.h"
#include "host/cli/text.h"

namespace novacron::host::cli {
namespace {

using nlohmann::json;

constexpr const char* kSection = "The host";
constexpr const char* kEverySubject = "all";
constexpr const char* kNoLevel = "default";
constexpr const char* kDefaultLines = "100";

std::string compact(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string joined(const json& names) {
  std::string text;
  for (const json& name : names) text += (text.empty() ? "" : ", ") + (name.is_string() ? name.get<std::string>() : "");
  return text;
}

void warn_of_restart(Session& session, const json& answer) {
  const std::string names = joined(value_at(answer, "restart_required"));
  if (!names.empty()) session.warn("waits for a restart of the host: " + names);
}

Result<ExitCode> show_config(Session& session) {
  Client& client = *TRY(session.client());
  const json config = TRY(client.get("/v1/config"));
  if (session.format() == Format::kJson || session.format() == Format::kYaml) {
    session.print(render_value(config, session.format()));
    return ExitCode::kOk;
  }
  Table table{{"SETTING", "VALUE", "FROM", "CHANGES"}, {}};
  for (const json& setting : value_at(config, "settings")) {
    const bool live = setting.value("live", false);
    table.rows.push_back({text_at(setting, "name"), compact(value_at(setting, "value")), text_at(setting, "origin"),
                          live ? "on reload" : "on restart"});
  }
  session.print(session.format() == Format::kCsv ? render_csv(table) : render_table(table));
  const std::string refused = text_at(config, "refused");
  if (!refused.empty()) session.warn("the last reload changed nothing: " + refused);
  warn_of_restart(session, config);
  return ExitCode::kOk;
}

Result<ExitCode> reload_config(Session& session) {
  Client& client = *TRY(session.client());
  const json answer = TRY(client.change({.method = "POST", .target = "/v1/config:reload"}));
  if (session.globals().format) {
    session.print(render_value(answer, session.format()));
    return ExitCode::kOk;
  }
  const std::string changed = joined(value_at(answer, "changed"));
  session.say(changed.empty() ? "nothing has changed" : "changed: " + changed);
  warn_of_restart(session, answer);
  return ExitCode::kOk;
}

Command config_command() {
  Command show{.name = "show", .summary = "Show the settings in effect, and where each is from"};
  show.examples = {"novacron config show"};
  show.run = [](Session& session, const Arguments&) { return show_config(session); };
  Command reload{.name = "reload",
                 .summary = "Have the host read its settings again",
                 .details =
                     "What can change while the host runs does, and what waits for a restart is named. Settings "
                     "that are wrong change nothing."};
  reload.examples = {"novacron config reload"};
  reload.run = [](Session& session, const Arguments&) { return reload_config(session); };
  return {.name = "config",
          .section = kSection,
          .summary = "The host's settings",
          .children = {std::move(show), std::move(reload)}};
}

void print_levels(Session& session, const json& levels) {
  if (session.globals().format) return session.print(render_value(levels, session.format()));
  Table table{{"SUBJECT", "LEVEL"}, {{kEverySubject, text_at(levels, "level")}}};
  for (const auto& [subject, level] : value_at(levels, "levels").items())
    table.rows.push_back({subject, level.is_string() ? level.get<std::string>() : ""});
  session.print(render_table(table));
}

Result<ExitCode> log_level(Session& session, const std::string& subject, const std::string& level) {
  Client& client = *TRY(session.client());
  if (subject.empty()) {
    print_levels(session, TRY(client.get("/v1/log")));
    return ExitCode::kOk;
  }
  if (level.empty()) return usage_error("which level? debug, info, warn, error, or default");
  json patch;
  if (subject == kEverySubject)
    patch["level"] = level == kNoLevel ? "info" : level;
  else
    patch["levels"][subject] = level == kNoLevel ? json() : json(level);
  const json levels =
      TRY(client.change({.method = "PATCH", .target = "/v1/log", .body = compact(patch), .content_type = kMergePatch}));
  if (!session.globals().quiet) print_levels(session, levels);
  return ExitCode::kOk;
}

Command log_level_command() {
  Command command{.name = "level",
                  .summary = "Show or change the lowest levels that are logged",
                  .details =
                      "A change holds until the host reads its settings again or is restarted. Settings that "
                      "stay are log.level and log.levels."};
  command.arguments = {
      {"SUBJECT", "what stands before the colon of a line, such as api or plugin.example; all: every other one", false},
      {"LEVEL", "debug, info, warn or error; default: no level of its own", false}};
  command.examples = {"novacron log level", "novacron log level plugin debug", "novacron log level all warn"};
  command.run = [](Session& session, const Arguments& arguments) {
    return log_level(session, arguments.at(0), arguments.at(1));
  };
  return command;
}

Command log_show_command() {
  Command command{.name = "show", .summary = "Show the last lines of the host's log"};
  command.options = {{"--lines", "-n", "N", "how many [100]"}};
  command.examples = {"novacron log show -n 20"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    Client& client = *TRY(session.client());
    const json log = TRY(client.get(with_query("/v1/log/lines", {{"limit", arguments.get("--lines", kDefaultLines)}})));
    if (session.globals().format) {
      session.print(render_value(log, session.format()));
      return ExitCode::kOk;
    }
    for (const json& line : value_at(log, "lines"))
      session.print((line.is_string() ? printable(line.get_ref<const std::string&>()) : "") + "\n");
    return ExitCode::kOk;
  };
  return command;
}

}  // namespace

std::vector<Command> config_commands() {
  return {config_command(),
          {.name = "log",
           .section = kSection,
           .summary = "The host's log",
           .children = {log_show_command(), log_level_command()}}};
}

}  // namespace novacron::host::cli
