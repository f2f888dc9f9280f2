// `plugin top`, `plugin revive` and `plugin upgrade`.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "host/cli/commands.h"
#include "host/cli/nouns.h"
#include "host/cli/objects.h"

namespace novacron::host::cli {
namespace {

using contract::Kind;
using nlohmann::json;

constexpr double kBytesPerMiB = 1 << 20;

struct Use {
  double memory_bytes = 0;
  double cpu_seconds = 0;
  double threads = 0;
  double calls = 0;
  double errors = 0;
  double queued = 0;
  bool own_process = false;
};

/// `name{plugin="…",…} value`, a line of what Prometheus scrapes; another line leaves all as it was.
void take_line(std::string_view line, std::map<std::string, Use, std::less<>>& uses) {
  constexpr std::string_view kLabel = "plugin=\"";
  const size_t brace = line.find('{');
  const size_t label = line.find(kLabel);
  const size_t space = line.rfind(' ');
  if (!line.starts_with("novacron_plugin_") || label == line.npos || space == line.npos) return;
  const size_t begin = label + kLabel.size();
  const size_t end = line.find('"', begin);
  if (end == line.npos) return;
  double value = 0;
  std::from_chars(line.data() + space + 1, line.data() + line.size(), value);
  Use& use = uses[std::string(line.substr(begin, end - begin))];
  const std::string_view name = line.substr(0, brace);
  if (name == "novacron_plugin_memory_bytes") use.memory_bytes = value, use.own_process = true;
  if (name == "novacron_plugin_cpu_seconds_total") use.cpu_seconds = value;
  if (name == "novacron_plugin_threads") use.threads = value;
  if (name == "novacron_plugin_calls_queued") use.queued = value;
  if (name == "novacron_plugin_call_duration_seconds_count") use.calls += value;
  if (name == "novacron_plugin_call_errors_total") use.errors += value;
}

std::string number_text(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  return text;
}

Result<ExitCode> show_top(Session& session) {
  Client& client = *TRY(session.client());
  const auto response = TRY(client.fetch({.target = "/metrics"}));
  std::map<std::string, Use, std::less<>> uses;
  std::string_view rest = response.body;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    take_line(line, uses);
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  std::vector<std::pair<std::string, Use>> sorted(uses.begin(), uses.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.memory_bytes > b.second.memory_bytes; });
  Table table{{"PLUGIN", "MEMORY MiB", "CPU s", "THREADS", "CALLS", "ERRORS", "QUEUED"}, {}};
  for (const auto& [plugin, use] : sorted) {
    const auto own = [&use = use](std::string text) { return use.own_process ? text : "in the host"; };
    table.rows.push_back({plugin, own(number_text(use.memory_bytes / kBytesPerMiB, 1)),
                          use.own_process ? number_text(use.cpu_seconds, 2) : "",
                          use.own_process ? number_text(use.threads, 0) : "", number_text(use.calls, 0),
                          number_text(use.errors, 0), number_text(use.queued, 0)});
  }
  session.print(render_table(table));
  return ExitCode::kOk;
}

/// What was quarantined is disabled first, and so forgotten.
Result<ExitCode> revive(Session& session, const Kind& kind, const std::string& name) {
  for (const bool enabled : {false, true}) {
    const auto* const verb = kind.find_verb(enabled ? "enable" : "disable");
    WaitGoal goal;
    if (verb != nullptr) goal.ready_when = verb->ready_when;
    const json patch = {{"spec", {{"enabled", enabled}}}};
    const json changed = TRY(patch_object(session, kind, name, patch));
    if (enabled) return report_change(session, kind, changed, "revived", WaitByDefault::kYes, std::move(goal));
    goal.generation = static_cast<uint64_t>(number_at(changed, "metadata.generation"));
    (void)TRY(wait_for(session, kind, name, goal));
  }
  return ExitCode::kOk;
}

}  // namespace

Command plugin_top_command() {
  Command command{.name = "top", .section = "Plugins", .summary = "Show what each plugin uses, the largest first"};
  command.run = [](Session& session, const Arguments&) { return show_top(session); };
  return command;
}

Command plugin_upgrade_command(const Kind& kind) {
  Command command{.name = "upgrade",
                  .section = "Plugins",
                  .summary = "Have another version of a plugin take over, without losing a call"};
  command.details =
      "Ends when the new version has passed its probation, and fails when it was rolled back. Without a version it is "
      "the newest in the catalog.";
  command.arguments = {{"NAME[@VERSION]"}};
  command.examples = {"novacron plugin upgrade hello", "novacron plugin upgrade hello@2.0.0"};
  command.run = [&kind](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    const contract::Action* const action = kind.find_action("upgrade");
    if (action == nullptr) return usage_error("this host cannot upgrade a plugin while it runs");
    const std::string word = arguments.at(0);
    const size_t at = word.find('@');
    json body = json::object();
    if (at != word.npos) body["version"] = word.substr(at + 1);
    return run_action(session, kind, *action, word.substr(0, at), body.dump());
  };
  return command;
}

Command plugin_revive_command(const Kind& kind) {
  Command command{.name = "revive", .section = "Plugins", .summary = "Start a plugin again that was quarantined"};
  command.arguments = {{"NAME"}};
  command.run = [&kind](Session& session, const Arguments& arguments) {
    return revive(session, kind, arguments.at(0));
  };
  return command;
}

}  // namespace novacron::host::cli
