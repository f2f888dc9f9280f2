#include <nlohmann/json.hpp>

#include "host/base/file.h"
#include "host/cli/documents.h"
#include "host/cli/flags.h"
#include "host/cli/nouns.h"
#include "host/cli/objects.h"
#include "host/cli/url.h"

namespace novacron::host::cli {
namespace {

using contract::Action;
using contract::Kind;
using nlohmann::json;

constexpr const char* kOperation = "novacron.core/Operation";
constexpr uint64_t kMaxActionMs = 3'600'000;  // as long as the host lets a call take

/// "weight: 2GiB" for each field of a reply.
std::string reply_text(const contract::MessageType& type, const json& reply) {
  Table table;
  for (const auto& field : type.fields) {
    const json& value = value_at(reply, field.name);
    if (!value.is_null()) table.rows.push_back({field.name, field_text(field, value)});
  }
  return render_table(table);
}

bool is_flat(const json& reply) {
  for (const json& value : reply) {
    if (value.is_structured()) return false;
  }
  return reply.is_object();
}

void print_reply(Session& session, const Action& action, const json& reply) {
  if (reply.is_null() || reply.empty()) return session.say(action.verb + ": done");
  const bool plain = !session.globals().format || session.format() == Format::kTable;
  if (plain && is_flat(reply)) return session.print(reply_text(*action.method.reply, reply));
  session.print(render_value(reply, session.format()));
}

Result<ExitCode> follow_operation(Session& session, const Action& action, const json& operation) {
  const Kind& kind = *TRY(session.kind(kOperation));
  const std::string name = text_at(operation, "metadata.name");
  if (!session.globals().wait.value_or(true)) {
    session.say(display_name(kind, name) + " started: " + action.verb);
    return ExitCode::kOk;
  }
  const json ended = TRY(wait_for(session, kind, name, {}));
  print_reply(session, action, value_at(ended, "status.reply"));
  return ExitCode::kOk;
}

}  // namespace

Result<ExitCode> run_action(Session& session, const Kind& kind, const Action& action, const std::string& name,
                            const std::string& body) {
  Client& client = *TRY(session.client());
  const std::string path = TRY(session.object_path(kind, name)) + ":" + action.verb;
  const bool dry_run = session.globals().dry_run;
  const json answer = TRY(client.change({.method = "POST",
                                         .target = with_query(path, {{"dry_run", dry_run ? "true" : ""}}),
                                         .body = body,
                                         .timeout_ms = session.globals().timeout_ms.value_or(kMaxActionMs)}));
  if (dry_run && !action.read_only) {
    session.say(display_name(kind, name) + " " + action.verb + ": would start (dry run)");
    print_plan(session);
    return ExitCode::kOk;
  }
  if (text_at(answer, "kind") == kOperation) return follow_operation(session, action, answer);
  print_reply(session, action, answer);
  return ExitCode::kOk;
}

Result<std::string> read_flag_file(Session& session, const std::string& path) {
  if (path == "-") return read_all(session.environment().in, kMaxFlagFileBytes);
  auto text = read_file(path, kMaxFlagFileBytes);
  if (!text.ok()) return usage_error("@" + path + ": " + text.error().message);
  return text;
}

}  // namespace novacron::host::cli
