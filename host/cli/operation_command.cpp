#include <nlohmann/json.hpp>

#include "host/cli/commands.h"
#include "host/cli/nouns.h"
#include "host/cli/objects.h"
#include "host/cli/tasks.h"
#include "host/cli/text.h"
#include "host/cli/wait.h"

namespace novacron::host::cli {
namespace {

using contract::Kind;
using nlohmann::json;

constexpr const char* kSection = "Operations";
constexpr uint64_t kLookMs = 500;

bool has_ended(const std::string& state) {
  return state == "SUCCEEDED" || state == "FAILED" || state == "CANCELLED";
}

/// "RUNNING 40% copy the disks: half of it".
std::string progress_text(const json& operation) {
  std::string text = text_at(operation, "status.state");
  const uint64_t percent = number_at(operation, "status.percent");
  if (percent > 0) text += " " + std::to_string(percent) + "%";
  const std::string step = text_at(operation, "status.step");
  if (!step.empty()) text += " " + step;
  const std::string message = text_at(operation, "status.message");
  if (!message.empty()) text += ": " + message;
  const std::string reason = text_at(operation, "status.reason");
  return reason.empty() ? text : text + " (" + reason + ")";
}

Result<ExitCode> end_of(Session& session, const json& operation) {
  const json& reply = value_at(operation, "status.reply");
  if (!reply.is_null() && !reply.empty()) session.print(render_value(reply, session.format()));
  return text_at(operation, "status.state") == "SUCCEEDED" ? ExitCode::kOk : ExitCode::kFailed;
}

/// A line for each change of its progress, until it has ended. Reads again and again, since an operation that is
/// computed has no changes to watch.
Result<ExitCode> follow(Session& session, const Kind& kind, const std::string& name) {
  Client& client = *TRY(session.client());
  const std::string path = TRY(session.object_path(kind, name));
  const uint64_t deadline_ns = session.wait_deadline_ns();
  std::string last;
  while (session.environment().clock.monotonic_ns() < deadline_ns) {
    const json operation = TRY(client.get(path));
    const std::string now = progress_text(operation);
    if (now != last) session.print(printable(now) + "\n");
    last = now;
    if (has_ended(text_at(operation, "status.state"))) return end_of(session, operation);
    session.environment().sleep_ms(kLookMs);
  }
  return Error{Code::kDeadlineExceeded, name + " has not ended yet", "cli.timeout"};
}

Command watch_command(const Kind& kind) {
  Command command{.name = "watch", .section = kSection, .summary = "Show its progress until it has ended"};
  command.arguments = {{"NAME"}};
  command.examples = {"novacron operation watch 4b3c7a5e-…"};
  command.run = [&kind](Session& session, const Arguments& arguments) {
    return follow(session, kind, arguments.at(0));
  };
  return command;
}

Command undo_command(const Kind& kind) {
  Command command{.name = "undo", .section = kSection, .summary = "Take back what it did, where the contract says how"};
  command.details = "Refused when the object has changed since, or when it was taken back already.";
  command.arguments = {{"NAME"}};
  command.examples = {"novacron operation undo 4b3c7a5e-…"};
  command.run = [&kind](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    Client& client = *TRY(session.client());
    const std::string path = TRY(session.object_path(kind, arguments.at(0))) + ":undo";
    const bool dry_run = session.globals().dry_run;
    const json answer =
        TRY(client.change({.method = "POST", .target = with_query(path, {{"dry_run", dry_run ? "true" : ""}})}));
    const bool waits = session.globals().wait.value_or(true) && !dry_run;
    if (waits && text_at(answer, "kind") == kind.id) return follow(session, kind, text_at(answer, "metadata.name"));
    session.say(arguments.at(0) + " undone" + (dry_run ? " (dry run)" : ""));
    print_plan(session);
    return ExitCode::kOk;
  };
  return command;
}

Command children_command(const Kind& kind) {
  Command command{.name = "children", .section = kSection, .summary = "List the operations that it started"};
  command.arguments = {{"NAME"}};
  command.run = [&kind](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    Client& client = *TRY(session.client());
    const std::string path = TRY(session.collection(kind));
    const std::string mine = "spec.parent.name == " + json(arguments.at(0)).dump();
    const auto list = TRY(client.list(path, "", {{"field_selector", mine}}));
    session.print(render_objects(kind, list.objects, session.format(), Shape::kList, session.now_ns()));
    return ExitCode::kOk;
  };
  return command;
}

Command log_command() {
  Command command{
      .name = "log", .section = kSection, .summary = "Show who did what, and the command that does the same"};
  command.options = {{"--object", "", "GROUP/KIND/NAME", "what was done to this one, or to a kind"},
                     {"--by", "", "PRINCIPAL", "what this one did: user:alice"},
                     {"--verb", "", "VERB", "create, update, delete, or a verb of a kind"},
                     {"--refused", "", "", "what was refused"},
                     {"--limit", "", "N", "at most so many [100]"}};
  command.examples = {"novacron operation log", "novacron operation log --by user:alice --verb delete"};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    TaskFilter filter{.object = arguments.get("--object"),
                      .principal = arguments.get("--by"),
                      .verb = arguments.get("--verb"),
                      .outcome = arguments.is_on("--refused") ? "REFUSED" : "",
                      .limit = arguments.get("--limit", "100")};
    const auto tasks = TRY(read_tasks(session, filter));
    if (session.globals().format && session.format() != Format::kTable && session.format() != Format::kWide)
      session.print(render_value(tasks, session.format()));
    else
      session.print(render_table(task_table(tasks)));
    return ExitCode::kOk;
  };
  return command;
}

}  // namespace

Command operation_command(const Kind& kind) {
  Command command = noun_command(kind, {"operation", "operations", "op"});
  std::erase_if(command.children, [](const Command& child) { return child.name == "create" || child.name == "edit"; });
  for (Command& own :
       std::vector<Command>{watch_command(kind), undo_command(kind), children_command(kind), log_command()})
    command.children.push_back(std::move(own));
  return command;
}

}  // namespace novacron::host::cli
