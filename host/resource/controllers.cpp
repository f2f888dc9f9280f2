#include "host/resource/controllers.h"

#include <novacron/core/v1/resource.pb.h>

#include <algorithm>

#include "host/contract/parts.h"
#include "host/resource/stored_object.h"

namespace novacron::host::resource {

namespace {
constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr const char* kReason = "controller.unavailable";

/// The field for conditions in a kind's status; null: it has none.
const contract::Field* conditions_of(const contract::Kind& kind) {
  const auto* field = kind.status ? kind.status->find("conditions") : nullptr;
  const bool fits = field && field->cardinality == contract::Cardinality::kRepeated && field->message &&
                    field->message->full_name == core::v1::Condition::descriptor()->full_name();
  return fits ? field : nullptr;
}

bool writes_status(const auth::Grant::ResourceRule& rule) {
  return std::any_of(rule.verbs.begin(), rule.verbs.end(),
                     [](const std::string& verb) { return verb == "update_status" || verb == "*"; });
}
}  // namespace

void Controllers::set(const std::string& plugin, const auth::Grant& grant, State state, uint64_t since_ns) {
  Controller controller;
  controller.state = state;
  controller.since_ns = since_ns;
  for (const auto& rule : grant.resources) {
    if (writes_status(rule)) controller.kinds.insert(rule.kind);
  }
  const std::lock_guard lock(mutex_);
  controllers_[plugin] = std::move(controller);
  ++version_;
}

void Controllers::forget(const std::string& plugin, uint64_t since_ns) {
  const std::lock_guard lock(mutex_);
  ++version_;
  if (controllers_.erase(plugin) != 0) forgotten_at_ns_ = std::max(forgotten_at_ns_, since_ns);
}

void Controllers::set_known(bool known) {
  const std::lock_guard lock(mutex_);
  if (is_known_ != known) ++version_;
  is_known_ = known;
}

bool Controllers::absence_of(const std::string& kind, Absence& absence) const {
  const std::lock_guard lock(mutex_);
  if (!is_known_) return false;
  std::string idle;
  for (const auto& [plugin, controller] : controllers_) {
    if (!controller.acts_on(kind)) continue;
    if (controller.state == State::kActs) return false;
    idle += (idle.empty() ? "" : ", ") + plugin;
    absence.since_ns = std::max(absence.since_ns, controller.since_ns);
  }
  if (absence.since_ns == 0) absence.since_ns = std::max(started_at_ns_, forgotten_at_ns_);
  absence.message = idle.empty() ? "no installed plugin acts on this kind; what is asked for is kept"
                                 : idle + " acts on this kind and is not enabled; what is asked for is kept";
  return true;
}

void Controllers::tell(ObjectView& object) const {
  const auto* field = object.kind ? conditions_of(*object.kind) : nullptr;
  Absence absence;
  if (!field || !absence_of(object.kind->id, absence)) return;
  core::v1::Condition condition;
  condition.set_type(std::string(kControllerUnavailable));
  condition.set_state(core::v1::Condition::STATE_TRUE);
  condition.set_reason(kReason);
  condition.set_message(absence.message);
  condition.mutable_changed_at()->set_seconds(static_cast<int64_t>(absence.since_ns / kSecondNs));
  condition.mutable_changed_at()->set_nanos(static_cast<int32_t>(absence.since_ns % kSecondNs));
  contract::append_message(object.status, field->number, message_bytes(condition));
}

}  // namespace novacron::host::resource
