#include "host/cli/bulk.h"

#include <nlohmann/json.hpp>

namespace novacron::host::cli {
namespace {

using contract::Kind;
using nlohmann::json;

constexpr const char* kOperation = "novacron.core/Operation";

Status wait_for_item(Session& session, const Kind& kind, const json& item, const BulkChange& change) {
  if (!session.globals().wait.value_or(change.wait == WaitByDefault::kYes) || session.globals().dry_run) return {};
  if (text_at(item, "state") == "STARTED") {
    const Kind& operations = *TRY(session.kind(kOperation));
    TRY(wait_for(session, operations, text_at(item, "operation"), {}));
    return {};
  }
  const WaitGoal goal{.ready_when = change.ready_when, .generation = number_at(item, "generation")};
  TRY(wait_for(session, kind, text_at(item, "name"), goal));
  return {};
}

/// What became of one.
ExitCode report_item(Session& session, const Kind& kind, const json& item, const BulkChange& change) {
  const std::string name = display_name(kind, text_at(item, "name"));
  if (text_at(item, "state") == "REFUSED") {
    session.warn(name + ": " + text_at(item, "detail"));
    return ExitCode::kConflict;
  }
  const Status waited = wait_for_item(session, kind, item, change);
  if (!waited.ok()) {
    session.warn(name + ": " + waited.error().message);
    return exit_code(waited.error());
  }
  session.say(name + " " + change.done + (session.globals().dry_run ? " (dry run)" : ""));
  return ExitCode::kOk;
}

Result<std::vector<json>> send_pages(Session& session, const Kind& kind, const std::string& where,
                                     const BulkChange& change) {
  Client& client = *TRY(session.client());
  const std::string path = TRY(session.collection(kind)) + (change.verb.empty() ? "" : ":" + change.verb);
  const std::string dry_run = session.globals().dry_run ? "true" : "";
  std::vector<json> items;
  std::string page_token;
  do {
    const std::string target = with_query(path, {{"label_selector", session.globals().selector},
                                                 {"field_selector", where},
                                                 {"page_token", page_token},
                                                 {"dry_run", dry_run}});
    json page = TRY(client.change(
        {.method = change.method, .target = target, .body = change.body, .content_type = change.content_type}));
    for (json& item : page["items"]) items.push_back(std::move(item));
    page_token = text_at(page, "next_page_token");
  } while (!page_token.empty());
  return items;
}

}  // namespace

OptionSpec where_option() {
  return {"--where", "", "COMPARISONS", "those whose fields fit, instead of names: 'spec.cpu > 2'"};
}

Result<ExitCode> change_selected(Session& session, const Kind& kind, const std::string& where,
                                 const BulkChange& change) {
  if (session.globals().selector.empty() && where.empty())
    return usage_error("say which by name, by -l LABELS or by --where COMPARISONS");
  const auto items = TRY(send_pages(session, kind, where, change));
  if (items.empty()) session.say("no " + kind.plural + " fit");
  ExitCode code = ExitCode::kOk;
  for (const json& item : items) {
    const ExitCode one = report_item(session, kind, item, change);
    if (one != ExitCode::kOk) code = one;
  }
  return code;
}

}  // namespace novacron::host::cli
