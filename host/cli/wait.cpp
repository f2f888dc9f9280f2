#include "host/cli/wait.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/contract/parts.h"

namespace novacron::host::cli {
namespace {

using contract::Convergence;
using contract::Kind;
using nlohmann::json;

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kWatchIdleMs = 30'000;  // then the object is read anew: a silent connection may be a dead one
constexpr uint64_t kPauseMs = 250;         // after a watch that broke

bool condition_is_true(const json& object, const std::string& type) {
  const json& conditions = value_at(object, "status.conditions");
  return conditions.is_array() && std::any_of(conditions.begin(), conditions.end(), [&](const json& condition) {
           return text_at(condition, "type") == type && text_at(condition, "state") == "TRUE";
         });
}

Error failed(const Kind& kind, const json& object) {
  return {Code::kFailedPrecondition, text_at(object, "metadata.name") + " has failed: " + state_of(kind, object),
          kFailedReason};
}

/// Reads and watches one object until its goal is reached.
class Waiter {
 public:
  Waiter(Session& session, const Kind& kind, const std::string& name, const WaitGoal& goal)
      : session_(session), kind_(kind), name_(name), goal_(goal), deadline_ns_(session.wait_deadline_ns()) {}

  Result<json> run() {
    const std::string path = TRY(session_.object_path(kind_, name_));
    const std::string collection = TRY(session_.collection(kind_));
    Client& client = *TRY(session_.client());
    while (true) {
      const uint64_t left = left_ms();
      if (left == 0) return too_late();
      auto object = client.get(path, left);
      if (object.ok()) {
        if (TRY(reached(*object))) return last_;
        TRY_STATUS(watch(client, collection));
        if (done_) return last_;
      } else if (object.code() == Code::kNotFound && goal_.what == WaitGoal::What::kDeleted) {
        return json();
      } else if (object.code() == Code::kDeadlineExceeded && left_ms() == 0) {
        return too_late();
      } else if (object.code() != Code::kUnavailable || left_ms() == 0) {
        return object;
      }
      session_.environment().sleep_ms(std::min(kPauseMs, left_ms()));
    }
  }

 private:
  uint64_t left_ms() const {
    const uint64_t now = session_.environment().clock.monotonic_ns();
    return now >= deadline_ns_ ? 0 : (deadline_ns_ - now + kNsPerMs - 1) / kNsPerMs;
  }

  Error too_late() const {
    const std::string state = last_.is_null() ? "not seen yet" : state_of(kind_, last_);
    return {Code::kDeadlineExceeded, name_ + " is not there yet: " + (state.empty() ? "no word of it" : state),
            "cli.timeout"};
  }

  Result<bool> reached(const json& object) {
    last_ = object;
    session_.progress(name_ + ": " + state_of(kind_, object));
    if (goal_.what == WaitGoal::What::kDeleted) {
      const bool other = !goal_.uid.empty() && text_at(object, "metadata.uid") != goal_.uid;
      if (other) last_ = nullptr;
      return other;
    }
    if (goal_.what == WaitGoal::What::kCondition) return condition_is_true(object, goal_.condition);
    const auto parts =
        TRY(contract::parts_from_json(kind_, object.dump(-1, ' ', false, json::error_handler_t::replace)));
    const auto state = TRY(contract::convergence(kind_, goal_.ready_when.get(), parts.metadata, parts.spec,
                                                 parts.status, goal_.generation));
    if (state == Convergence::kFailed) return failed(kind_, object);
    return state == Convergence::kReady;
  }

  /// Ends well when the goal is reached (done_) and when the watch has to be begun anew.
  Status watch(Client& client, const std::string& collection) {
    std::optional<Error> error;
    const auto sink = [&](const WatchEvent& event) {
      if (left_ms() == 0) return Flow::kStop;
      if (text_at(event.object, "metadata.name") != name_) return Flow::kContinue;
      if (event.type == WatchEvent::Type::kDeleted) {
        done_ = goal_.what == WaitGoal::What::kDeleted;
        if (done_) last_ = nullptr;
        return Flow::kStop;
      }
      auto is_reached = reached(event.object);
      if (!is_reached.ok()) error = std::move(is_reached).error();
      done_ = is_reached.ok() && *is_reached;
      return done_ || error ? Flow::kStop : Flow::kContinue;
    };
    const Status ended = client.watch(collection, {}, number_at(last_, "metadata.revision"),
                                      std::min(kWatchIdleMs, std::max<uint64_t>(1, left_ms())), sink);
    if (error) return *std::move(error);
    const bool again = ended.ok() || ended.code() == Code::kUnavailable || ended.code() == Code::kDeadlineExceeded ||
                       ended.code() == Code::kOutOfRange;
    return again ? Status() : ended;
  }

  Session& session_;
  const Kind& kind_;
  const std::string name_;
  const WaitGoal& goal_;
  const uint64_t deadline_ns_;
  json last_;
  bool done_ = false;
};

}  // namespace

Result<WaitGoal> parse_goal(const Kind& kind, const std::string& text) {
  if (text == "ready") return WaitGoal{};
  if (text == "deleted") return WaitGoal{.what = WaitGoal::What::kDeleted};
  if (text.find('=') == std::string::npos) return WaitGoal{.what = WaitGoal::What::kCondition, .condition = text};
  auto condition = contract::Condition::compile(*kind.message, text);
  if (!condition.ok()) return usage_error("--for: " + condition.error().message);
  return WaitGoal{.ready_when = *std::move(condition)};
}

Result<json> wait_for(Session& session, const Kind& kind, const std::string& name, const WaitGoal& goal) {
  auto result = Waiter(session, kind, name, goal).run();
  session.progress("");
  return result;
}

std::string state_of(const Kind& kind, const json& object) {
  std::string text;
  if (!text_at(object, "metadata.deleted_at").empty()) text = "being deleted";
  for (const auto& column : kind.columns) {
    if (!text.empty() || column.field == nullptr || !column.path.starts_with("status.")) continue;
    text = field_text(*column.field, value_at(object, column.path));
    if (text.empty()) text = "waiting";
  }
  const std::string message = text_at(object, "status.message");
  if (!message.empty()) text += (text.empty() ? "" : ": ") + message;
  if (condition_is_true(object, "ControllerUnavailable")) text += " (nothing that is enabled acts on this kind now)";
  return text;
}

}  // namespace novacron::host::cli
