// How operations hear that somebody wants them to stop.
#include <novacron/core/v1/host.pb.h>

#include "host/base/log.h"
#include "host/resource/actions.h"
#include "host/resource/runner.h"

namespace novacron::host::resource {
namespace {

constexpr size_t kEventsAtOnce = 64;
constexpr std::string_view kCancelPatch = R"({"spec":{"cancel":true}})";

}  // namespace

void OperationRunner::watch() {
  const std::lock_guard watch_lock(watch_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
  }
  WatchOptions options;
  options.kind = kOperationKind;
  auto watch = store_.watch(host_, options, [this] {
    const auto posted = watch_lane_->post([this] { look_for_cancellations(); });
    (void)posted;  // refused: a look is queued already, and will see this too
  });
  if (watch.ok()) {
    watch_ = std::move(*watch);
  } else {
    log_warn("operations", "requests to stop are not heard", {{"error", watch.error().message}});
  }
}

void OperationRunner::look_for_cancellations() {
  {
    const std::lock_guard watch_lock(watch_mutex_);
    if (!watch_ || take_cancellations()) return;
    watch_.reset();
  }
  watch();
}

/// False: the watch has ended.
bool OperationRunner::take_cancellations() {
  while (true) {
    const auto events = watch_->take(kEventsAtOnce);
    if (!events.ok()) return false;
    if (events->empty()) return true;
    for (const auto& event : *events) {
      core::v1::OperationSpec spec;
      if (event.type != Event::Type::kPut || !spec.ParseFromString(event.object.spec) || !spec.cancel()) continue;
      cancel(event.object.ref.name);
    }
  }
}

void OperationRunner::cancel(const std::string& operation) {
  {
    const std::lock_guard lock(mutex_);
    const auto running = running_.find(operation);
    if (running == running_.end() || running->second.cancelled) return;
    running->second.cancelled = true;
    if (running->second.call != nullptr) running->second.call->cancel();
  }
  cancel_children(operation);
}

/// Each is asked as a user would ask; their own children follow from that.
void OperationRunner::cancel_children(const std::string& parent) {
  std::vector<ObjectRef> children;
  {
    const std::lock_guard lock(mutex_);
    const auto found = children_.find(parent);
    if (found == children_.end()) return;
    for (const auto& [name, ref] : found->second) children.push_back(ref);
  }
  for (const auto& child : children) ask_to_stop(child);
}

void OperationRunner::ask_to_stop(const ObjectRef& operation) {
  const auto asked = store_.patch(host_, operation, kCancelPatch);
  if (!asked.ok() && asked.error().reason != "operation.ended")
    log_warn("operations", "child not cancelled", {{"operation", operation.name}, {"why", asked.error().message}});
}

}  // namespace novacron::host::resource
