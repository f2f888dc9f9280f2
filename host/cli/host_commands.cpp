#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/cli/commands.h"
#include "host/cli/doctor.h"
#include "host/cli/nouns.h"
#include "host/cli/objects.h"
#include "host/cli/text.h"
#include "host/cli/time_range.h"
#include "host/contract/parts.h"
#include "host/contract/time_text.h"

namespace novacron::host::cli {
namespace {

using contract::Convergence;
using contract::Kind;
using nlohmann::json;

constexpr const char* kSection = "The host";
constexpr uint64_t kUploadTimeoutMs = 6ull * 3'600'000;
constexpr uint64_t kEventIdleMs = 90'000;
constexpr uint64_t kRecentEventsMs = 1'000;  // without --follow: what comes at once is what there was

struct Counts {
  size_t ready = 0;
  size_t pending = 0;
  size_t failed = 0;
};

void count(const Kind& kind, const json& object, Counts& counts) {
  const auto parts = contract::parts_from_json(kind, object.dump(-1, ' ', false, json::error_handler_t::replace));
  if (!parts.ok()) return;
  const auto state = contract::convergence(kind, nullptr, parts->metadata, parts->spec, parts->status,
                                           number_at(object, "metadata.generation"));
  if (!state.ok()) return;
  if (*state == Convergence::kFailed)
    ++counts.failed;
  else if (*state == Convergence::kReady || !kind.ready_when)
    ++counts.ready;
  else
    ++counts.pending;
}

/// One row a kind that has objects with a status. Those of a kind that does not say when they are ready are so as long
/// as they have not failed: nobody may be there who would say that it has seen them.
Result<Table> count_objects(Session& session) {
  Table table{{"KIND", "READY", "PENDING", "FAILED"}, {}};
  Client& client = *TRY(session.client());
  const contract::Schema& schema = *TRY(session.schema());
  for (const Kind& kind : schema.kinds()) {
    if (kind.status == nullptr) continue;
    const std::string path = TRY(session.collection(kind));
    auto list = client.list(path, "");
    if (list.code() == Code::kPermissionDenied) continue;
    if (!list.ok()) return list.error();
    if (list->objects.empty()) continue;
    Counts counts;
    for (const json& object : list->objects) count(kind, object, counts);
    table.rows.push_back(
        {kind.segment, std::to_string(counts.ready), std::to_string(counts.pending), std::to_string(counts.failed)});
  }
  return table;
}

Result<ExitCode> show_status(Session& session) {
  Client& client = *TRY(session.client());
  const Target& target = *TRY(session.target());
  const json version = TRY(client.get("/version"));
  const HttpResponse ready = TRY(client.fetch({.target = "/readyz"}, {503}));
  const Table counts = TRY(count_objects(session));
  const bool degraded = text_at(json::parse(ready.body, nullptr, false), "status") == "degraded";
  const std::string state = ready.status != 200 ? "not ready" : degraded ? "degraded" : "ready";
  if (session.format() == Format::kJson || session.format() == Format::kYaml) {
    json value = {
        {"server", target.endpoint.text()}, {"tenant", target.tenant}, {"version", version}, {"state", state}};
    for (const Row& row : counts.rows) {
      value["kinds"][row[0]] = {
          {"ready", std::stoull(row[1])}, {"pending", std::stoull(row[2])}, {"failed", std::stoull(row[3])}};
    }
    session.print(render_value(value, session.format()));
  } else {
    session.print(render_table({{},
                                {{"host", target.endpoint.text()},
                                 {"version", text_at(version, "version")},
                                 {"state", state},
                                 {"tenant", target.tenant},
                                 {"context", target.context}}}) +
                  "\n" + render_table(counts));
  }
  return ready.status == 200 ? ExitCode::kOk : ExitCode::kUnavailable;
}

Command status_command() {
  Command command{.name = "status", .section = kSection, .summary = "Show the host, and how many objects are ready"};
  command.examples = {"novacron status"};
  command.run = [](Session& session, const Arguments&) { return show_status(session); };
  return command;
}

Command doctor_command() {
  Command command{
      .name = "doctor", .section = kSection, .summary = "Check the way to the host and the host, and say what to do"};
  command.examples = {"novacron doctor"};
  command.run = [](Session& session, const Arguments&) { return run_doctor(session); };
  return command;
}

Command version_command() {
  Command command{.name = "version", .section = kSection, .summary = "Show the versions of the CLI and of the host"};
  command.run = [](Session& session, const Arguments&) -> Result<ExitCode> {
    json value = {{"client", NOVACRON_VERSION}};
    auto client = session.client();
    if (client.ok()) {
      auto version = (*client)->get("/version", 5'000);
      if (version.ok()) value["host"] = *version;
    }
    if (session.globals().format) {
      session.print(render_value(value, session.format()));
      return ExitCode::kOk;
    }
    const std::string host = text_at(value, "host.version");
    session.print(render_table({{}, {{"novacron", NOVACRON_VERSION}, {"host", host.empty() ? "not reached" : host}}}));
    return ExitCode::kOk;
  };
  return command;
}

std::string event_line(const json& event) {
  const json& body = value_at(event, "data");
  std::string text = text_at(event, "data_base64");
  if (!body.is_null()) text = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return table_line({text_at(event, "time"), text_at(event, "type"), text}, {30, 24});
}

void print_event(Session& session, const json& event) {
  const std::string json_line = event.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  if (session.format() == Format::kJson) return session.print(json_line);
  if (session.format() == Format::kYaml) return session.print("---\n" + render_value(event, Format::kYaml));
  session.print(event_line(event));
}

/// What is told of an event that did not reach this client.
void tell_missed(Session& session, const json& event) {
  const uint64_t missed = number_at(event, "missed");
  if (missed > 0) session.warn(std::to_string(missed) + " events were lost before this one");
  if (value_at(event, "restarted").is_boolean())
    session.warn("the host has started anew; events that are not of its state may have been lost before this one");
}

/// Without `follow`: what is retained. With it: what comes, until the wanted time is over or the user interrupts; a
/// stream that breaks is taken up behind the last event that was seen.
Result<ExitCode> show_events(Session& session, const std::string& pattern, const Query& times, bool follow) {
  Client& client = *TRY(session.client());
  const bool limited = session.globals().timeout_ms.has_value();
  const uint64_t deadline_ns = session.wait_deadline_ns();
  const auto is_over = [&] { return limited && session.environment().clock.monotonic_ns() >= deadline_ns; };
  const uint64_t idle_ms =
      follow ? std::min(kEventIdleMs, session.globals().timeout_ms.value_or(kEventIdleMs)) : kRecentEventsMs;
  std::string after = follow ? "" : "0";
  const auto on_event = [&](const json& event) {
    after = text_at(event, "cursor");
    tell_missed(session, event);
    print_event(session, event);
    return is_over() ? Flow::kStop : Flow::kContinue;
  };
  do {
    Query query = {{"subject", pattern}, {"after", after}};
    query.insert(query.end(), times.begin(), times.end());
    const Status ended = client.lines(with_query("/v1/events", query), idle_ms, on_event);
    const bool again = ended.ok() || ended.code() == Code::kDeadlineExceeded || ended.error().reason == "bus.overflow";
    if (!again) return ended.error();
  } while (follow && !is_over());
  return ExitCode::kOk;
}

Command events_command() {
  Command command{.name = "events", .section = kSection, .summary = "Show recent events, or follow them as they come"};
  command.arguments = {{"PATTERN", "subjects such as plugin.failed, plugin.* or > [>]", false}};
  command.options = time_range_options("events");
  command.options.push_back({"--follow", "", "", "go on until interrupted, or for --timeout"});
  command.examples = {"novacron events", "novacron events 'plugin.*' --follow", "novacron events --since 10m"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    const std::string pattern = arguments.positional().empty() ? ">" : arguments.at(0);
    const Query times = {{"since", TRY(moment_of(arguments, "--since"))},
                         {"until", TRY(moment_of(arguments, "--until"))}};
    return show_events(session, pattern, times, arguments.is_on("--follow") || session.globals().watch);
  };
  return command;
}

Command upload_command() {
  Command command{.name = "upload", .summary = "Store a file as a blob and print its digest"};
  command.arguments = {{"FILE"}};
  command.examples = {"novacron blob upload disk.img"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    const std::string path = arguments.at(0);
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return usage_error(path + " is no file");
    Client& client = *TRY(session.client());
    HttpRequest request{.method = "POST", .target = "/v1/blobs", .body_file = path, .timeout_ms = kUploadTimeoutMs};
    request.headers = {{"Content-Type", "application/octet-stream"}, {"Accept", "application/json"}};
    session.progress("uploading " + path);
    const HttpResponse response = TRY(client.fetch(std::move(request)));
    const json info = json::parse(response.body, nullptr, false);
    if (session.globals().format) {
      session.print(render_value(info, session.format()));
    } else {
      session.print(printable(text_at(info, "digest")) + "\n");
    }
    return ExitCode::kOk;
  };
  return command;
}

}  // namespace

Command blob_command(const Kind* kind) {
  Command command{.name = "blob", .section = kSection, .summary = "Content that is named by its digest"};
  if (kind != nullptr) {
    for (Command& child : noun_command(*kind, {"blob"}).children) {
      if (child.name != "create" && child.name != "edit") command.children.push_back(std::move(child));
    }
  }
  command.children.insert(command.children.begin(), upload_command());
  return command;
}

std::vector<Command> host_commands() {
  return {status_command(), doctor_command(), events_command(), version_command()};
}

}  // namespace novacron::host::cli
