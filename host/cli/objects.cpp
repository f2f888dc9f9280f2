#include "host/cli/objects.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "host/cli/text.h"
#include "host/cli/time_range.h"

namespace novacron::host::cli {
namespace {

using contract::Kind;
using nlohmann::json;

constexpr uint64_t kWatchIdleMs = 90'000;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string with_dry_run(const Session& session, const std::string& path, Effect effect = Effect::kReal) {
  const bool dry_run = session.globals().dry_run || effect == Effect::kCheck;
  return with_query(path, {{"dry_run", dry_run ? "true" : ""}});
}

std::string dry_run_note(const Session& session) {
  return session.globals().dry_run ? " (dry run)" : "";
}

/// Lines that keep to the widths of the table above them.
class WatchPrinter {
 public:
  WatchPrinter(Session& session, const Kind& kind, const Table& above)
      : session_(session), kind_(kind), widths_(column_widths(above)) {}

  void print(const WatchEvent& event) {
    const Format format = session_.format();
    if (format == Format::kJson) return session_.print(dump({{"type", name(event)}, {"object", event.object}}) + "\n");
    if (format == Format::kYaml) return session_.print("---\n" + render_value(event.object, format));
    if (format == Format::kName) return session_.print(printable(text_at(event.object, "metadata.name")) + "\n");
    const Columns columns = format == Format::kWide  ? Columns::kWide
                            : format == Format::kCsv ? Columns::kRaw
                                                     : Columns::kNormal;
    Table table = object_table(kind_, {event.object}, columns, session_.now_ns());
    if (format == Format::kCsv) return session_.print(render_csv({table.rows[0], {}}));
    if (event.type == WatchEvent::Type::kDeleted) table.rows[0].push_back("(deleted)");
    session_.print(table_line(table.rows[0], widths_));
  }

 private:
  static std::string name(const WatchEvent& event) {
    return event.type == WatchEvent::Type::kDeleted ? "DELETED" : "PUT";
  }

  Session& session_;
  const Kind& kind_;
  const std::vector<size_t> widths_;
};

Table table_for(Session& session, const Kind& kind, const std::vector<json>& objects) {
  const Columns columns = session.format() == Format::kWide ? Columns::kWide : Columns::kNormal;
  return object_table(kind, objects, columns, session.now_ns());
}

/// What a watch starts with: in JSON and YAML a stream of objects, as what follows.
void print_first(Session& session, const Kind& kind, const std::vector<json>& objects) {
  const Format format = session.format();
  const bool stream = format == Format::kJson || format == Format::kYaml;
  if (!stream) return session.print(render_objects(kind, objects, format, Shape::kList, session.now_ns()));
  WatchPrinter printer(session, kind, {});
  for (const json& object : objects) printer.print({WatchEvent::Type::kPut, object, 0});
}

/// Follows changes until the wanted time is over or the user interrupts; a broken connection is taken up again.
Result<ExitCode> follow(Session& session, const Kind& kind, const std::string& where, ObjectList list) {
  WatchPrinter printer(session, kind, table_for(session, kind, list.objects));
  const std::string collection = TRY(session.collection(kind));
  Client& client = *TRY(session.client());
  const Query which = {{"label_selector", session.globals().selector}, {"field_selector", where}};
  uint64_t revision = list.revision;
  const bool limited = session.globals().timeout_ms.has_value();
  const uint64_t deadline_ns = session.wait_deadline_ns();
  const auto is_over = [&] { return limited && session.environment().clock.monotonic_ns() >= deadline_ns; };
  const uint64_t idle_ms = std::min(kWatchIdleMs, session.globals().timeout_ms.value_or(kWatchIdleMs));
  while (!is_over()) {
    const Status ended = client.watch(collection, which, revision, idle_ms, [&](const WatchEvent& event) {
      revision = std::max(revision, event.revision);
      if (event.type != WatchEvent::Type::kBookmark) printer.print(event);
      return is_over() ? Flow::kStop : Flow::kContinue;
    });
    if (ended.ok() || ended.code() == Code::kDeadlineExceeded) continue;
    if (ended.code() != Code::kUnavailable) return ended.error();
    session.environment().sleep_ms(kFirstRetryMs * 5);
    TRY(client.get("/healthz"));
  }
  return ExitCode::kOk;
}

json plan_of(Session& session) {
  auto client = session.client();
  const std::string text = client.ok() ? (*client)->take_plan() : "";
  return text.empty() ? json() : json::parse(text, nullptr, false);
}

Status confirm_delete(Session& session, const Kind& kind, const std::vector<std::string>& names) {
  if (!kind.confirm_delete) return {};
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + display_name(kind, name);
  return session.confirm("Delete " + list + "?");
}

Result<WaitGoal> goal_of_deleted(Session& session, const Kind& kind, const std::string& name) {
  auto object = get_object(session, kind, name);
  if (!object.ok()) return object.error();
  return WaitGoal{.what = WaitGoal::What::kDeleted, .uid = text_at(*object, "metadata.uid")};
}

Status delete_object(Session& session, const Kind& kind, const std::string& name) {
  const WaitGoal goal = TRY(goal_of_deleted(session, kind, name));
  Client& client = *TRY(session.client());
  const std::string path = TRY(session.object_path(kind, name));
  TRY(client.change({.method = "DELETE", .target = with_dry_run(session, path)}));
  const bool waits = session.globals().wait.value_or(true) && !session.globals().dry_run;
  if (waits) TRY(wait_for(session, kind, name, goal));
  session.say(display_name(kind, name) + (waits ? " deleted" : " is being deleted") + dry_run_note(session));
  print_plan(session);
  return {};
}

/// What became of one object of a deletion of many.
Result<ExitCode> report_removal(Session& session, const Kind& kind, const json& item) {
  const std::string name = text_at(item, "name");
  if (text_at(item, "state") == "KEPT") {
    session.warn(display_name(kind, name) + ": " + text_at(item, "detail"));
    return ExitCode::kConflict;
  }
  const bool waits = session.globals().wait.value_or(true) && !session.globals().dry_run;
  if (waits) {
    const WaitGoal goal{.what = WaitGoal::What::kDeleted, .uid = text_at(item, "uid")};
    TRY(wait_for(session, kind, name, goal));
  }
  session.say(display_name(kind, name) + (waits ? " deleted" : " is being deleted") + dry_run_note(session));
  return ExitCode::kOk;
}

}  // namespace

std::string noun_of(const Kind& kind) {
  return kind.short_names.empty() ? kind.segment : kind.short_names[0];
}

std::string display_name(const Kind& kind, const std::string& name) {
  return noun_of(kind) + "/" + name;
}

Result<const Kind*> kind_of(Session& session, const json& object) {
  const std::string id = text_at(object, "kind");
  if (id.empty()) return usage_error("an object has no \"kind\", such as \"group/Kind\"");
  return session.kind(id);
}

std::vector<OptionSpec> list_options() {
  std::vector<OptionSpec> options = {
      {"--where", "", "COMPARISONS", "only objects whose fields fit: 'spec.cpu > 2 && status.phase == READY'"},
      {"--sort-by", "", "FIELDS", "in this order: 'metadata.created_at desc,metadata.name'"},
      {"--fields", "", "FIELDS", "with -o json or yaml, only these: metadata.name,spec.cpu"},
      {"--at", "", "REVISION", "as it was at a revision"}};
  for (auto& option : time_range_options("created")) options.push_back(std::move(option));
  return options;
}

Result<ExitCode> list_objects(Session& session, const Kind& kind, const Arguments& arguments) {
  const std::string where = TRY(where_created(arguments, arguments.get("--where")));
  const Query query = {{"field_selector", where},
                       {"order_by", arguments.get("--sort-by")},
                       {"fields", arguments.get("--fields")},
                       {"at", arguments.get("--at")}};
  const bool is_of_now = !arguments.has("--sort-by") && !arguments.has("--at");
  if (session.globals().watch && !is_of_now) return usage_error("--watch knows neither --sort-by nor --at");
  if (session.globals().watch) return watch_objects(session, kind, where);
  Client& client = *TRY(session.client());
  const std::string path = TRY(session.collection(kind));
  const ObjectList list = TRY(client.list(path, session.globals().selector, query));
  const Format format = session.format();
  const bool for_people = format == Format::kTable || format == Format::kWide;
  if (list.objects.empty() && for_people) {
    session.say("no " + kind.plural);
  } else {
    session.print(render_objects(kind, list.objects, format, Shape::kList, session.now_ns()));
  }
  return ExitCode::kOk;
}

Result<ExitCode> watch_objects(Session& session, const Kind& kind, const std::string& where) {
  Client& client = *TRY(session.client());
  const std::string path = TRY(session.collection(kind));
  ObjectList list = TRY(client.list(path, session.globals().selector, {{"field_selector", where}}));
  print_first(session, kind, list.objects);
  return follow(session, kind, where, std::move(list));
}

Result<json> get_object(Session& session, const Kind& kind, const std::string& name, const std::string& at) {
  Client& client = *TRY(session.client());
  const std::string path = TRY(session.object_path(kind, name));
  return client.get(with_query(path, {{"at", at}}));
}

Result<ExitCode> show_object(Session& session, const Kind& kind, const std::string& name) {
  const json object = TRY(get_object(session, kind, name));
  session.print(render_objects(kind, {object}, session.format(), Shape::kOne, session.now_ns()));
  return ExitCode::kOk;
}

Result<ExitCode> delete_objects(Session& session, const Kind& kind, const std::vector<std::string>& names) {
  TRY_STATUS(confirm_delete(session, kind, names));
  for (const std::string& name : names) TRY_STATUS(delete_object(session, kind, name));
  return ExitCode::kOk;
}

Result<ExitCode> delete_selected(Session& session, const Kind& kind, const std::string& where) {
  const std::string& labels = session.globals().selector;
  if (labels.empty() && where.empty()) return usage_error("say which by name, by -l LABELS or by --where COMPARISONS");
  const std::string which = labels + (labels.empty() || where.empty() ? "" : " and ") + where;
  if (kind.confirm_delete) TRY_STATUS(session.confirm("Delete all " + kind.plural + " with " + which + "?"));
  Client& client = *TRY(session.client());
  const std::string collection = TRY(session.collection(kind));
  const std::string dry_run = session.globals().dry_run ? "true" : "";
  ExitCode code = ExitCode::kOk;
  std::string page_token;
  do {
    const std::string target = with_query(
        collection,
        {{"label_selector", labels}, {"field_selector", where}, {"page_token", page_token}, {"dry_run", dry_run}});
    const json page = TRY(client.change({.method = "DELETE", .target = target}));
    for (const json& item : value_at(page, "items")) {
      const ExitCode one = TRY(report_removal(session, kind, item));
      if (one != ExitCode::kOk) code = one;
    }
    page_token = text_at(page, "next_page_token");
  } while (!page_token.empty());
  return code;
}

Result<json> create_object(Session& session, const Kind& kind, const json& object, Effect effect) {
  Client& client = *TRY(session.client());
  const std::string path = TRY(session.collection(kind));
  return client.change({.method = "POST", .target = with_dry_run(session, path, effect), .body = dump(object)});
}

Result<json> patch_object(Session& session, const Kind& kind, const std::string& name, const json& patch,
                          Effect effect) {
  Client& client = *TRY(session.client());
  const std::string path = TRY(session.object_path(kind, name));
  return client.change({.method = "PATCH",
                        .target = with_dry_run(session, path, effect),
                        .body = dump(patch),
                        .content_type = patch.is_array() ? kJsonPatch : kMergePatch});
}

Result<json> replace_object(Session& session, const Kind& kind, const json& object) {
  Client& client = *TRY(session.client());
  const std::string path = TRY(session.object_path(kind, text_at(object, "metadata.name")));
  json body = object;
  body.erase("status");
  const std::string generation = std::to_string(number_at(object, "metadata.generation"));
  return client.change({.method = "PUT",
                        .target = with_dry_run(session, path),
                        .body = dump(body),
                        .if_match = text_at(object, "metadata.uid") + "-g" + generation});
}

Result<ExitCode> report_change(Session& session, const Kind& kind, json object, const std::string& what,
                               WaitByDefault wait, WaitGoal goal) {
  const std::string name = text_at(object, "metadata.name");
  const bool waits = session.globals().wait.value_or(wait == WaitByDefault::kYes) && !session.globals().dry_run;
  if (waits) {
    goal.generation = number_at(object, "metadata.generation");
    object = TRY(wait_for(session, kind, name, goal));
  }
  if (session.globals().format) {
    if (const json plan = plan_of(session); !plan.is_null()) object["plan"] = plan;
    session.print(render_objects(kind, {object}, session.format(), Shape::kOne, session.now_ns()));
  } else {
    session.say(display_name(kind, name) + " " + what + dry_run_note(session));
    print_plan(session);
  }
  return ExitCode::kOk;
}

void print_plan(Session& session) {
  const json plan = plan_of(session);
  if (!session.globals().dry_run || plan.is_null()) return;
  Table table{{"ACTION", "ON", "WHAT", "SAID BY"}, {}};
  for (const json& effect : value_at(plan, "effects")) {
    const std::string by = text_at(effect, "by");
    table.rows.push_back(
        {text_at(effect, "action"), text_at(effect, "subject"), text_at(effect, "text"), by.empty() ? "the host" : by});
  }
  for (Row& row : table.rows) {
    for (std::string& cell : row) cell = printable(cell);
  }
  session.print(render_table(table));
}

}  // namespace novacron::host::cli
