#include "host/cli/tasks.h"

#include <nlohmann/json.hpp>

#include "host/cli/objects.h"
#include "host/cli/text.h"

namespace novacron::host::cli {
namespace {

using nlohmann::json;

constexpr const char* kShownInDescription = "10";
constexpr const char* kBatch = "application/cloudevents-batch+json";

std::string indented(const std::string& heading, const Table& table) {
  if (table.rows.empty()) return {};
  std::string out = "\n" + heading + "\n";
  const auto widths = column_widths(table);
  for (const Row& row : table.rows) out += "  " + table_line(row, widths);
  return out;
}

std::string tenant_for(Session& session, const contract::Kind& kind) {
  auto target = session.target();
  return kind.scope == contract::Scope::kTenant && target.ok() ? (*target)->tenant : "";
}

Result<json> recent_events(Session& session, const contract::Kind& kind, const std::string& object) {
  Client& client = *TRY(session.client());
  const std::string target = with_query(
      "/v1/events",
      {{"object", object}, {"tenant", tenant_for(session, kind)}, {"after", "0"}, {"limit", kShownInDescription}});
  HttpRequest request{.method = "GET", .target = target};
  request.headers = {{"Accept", kBatch}};
  const auto response = TRY(client.fetch(std::move(request)));
  return json::parse(response.body, nullptr, false);
}

}  // namespace

Result<json> read_tasks(Session& session, const TaskFilter& filter) {
  Client& client = *TRY(session.client());
  const std::string target = with_query("/v1/tasks", {{"object", filter.object},
                                                      {"principal", filter.principal},
                                                      {"verb", filter.verb},
                                                      {"outcome", filter.outcome},
                                                      {"limit", filter.limit},
                                                      {"tenant", filter.tenant}});
  json body = TRY(client.get(target));
  return value_at(body, "items");
}

Table task_table(const json& tasks) {
  Table table{{"TIME", "WHO", "OUTCOME", "OPERATION", "COMMAND"}, {}};
  for (const json& task : tasks) {
    std::string what = text_at(task, "command");
    if (what.empty()) what = text_at(task, "verb") + " " + text_at(task, "kind") + " " + text_at(task, "name");
    const std::string reason = text_at(task, "reason");
    if (!reason.empty()) what += "  (" + reason + ")";
    table.rows.push_back({text_at(task, "time"), printable(text_at(task, "principal")), text_at(task, "outcome"),
                          text_at(task, "operation"), printable(what)});
  }
  return table;
}

std::string history_text(Session& session, const contract::Kind& kind, const std::string& name) {
  const std::string object = kind.id + "/" + name;
  std::string text;
  const auto tasks =
      read_tasks(session, {.object = object, .limit = kShownInDescription, .tenant = tenant_for(session, kind)});
  if (tasks.ok() && tasks->is_array()) text += indented("Operations", task_table(*tasks));
  const auto events = recent_events(session, kind, object);
  if (!events.ok() || !events->is_array()) return text;
  Table table;
  for (const json& event : *events)
    table.rows.push_back({text_at(event, "time"), text_at(event, "type"), "revision " + text_at(event, "revision")});
  return text + indented("Events", table);
}

}  // namespace novacron::host::cli
