#include "host/daemon/change_events.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

#include "host/base/log.h"
#include "host/bus/bus.h"
#include "host/resource/keys.h"
#include "host/state/engine.h"

namespace novacron::host::daemon {
namespace {

constexpr std::string_view kObjectPrefix = "resource/";

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

bus::Event event_of(const resource::ObjectRef& ref, bool removed, uint64_t revision) {
  const std::string kind = lower(ref.kind.substr(ref.kind.find('/') + 1));
  const nlohmann::ordered_json body = {{"kind", ref.kind}, {"tenant", ref.tenant}, {"name", ref.name}};
  return {.subject = "resource." + kind + (removed ? ".deleted" : ".put"),
          .tenant = ref.tenant,
          .body = std::make_shared<const std::string>(body.dump()),
          .revision = revision};
}

/// One event for each object that a revision changed, in the order of the changes.
std::vector<bus::Event> events_of(uint64_t revision, const std::vector<state::Event>& changes) {
  std::vector<bus::Event> events;
  std::map<std::string, size_t> position;  // by object, of its event
  for (const auto& change : changes) {
    const auto key = resource::parse_object_key(change.key());
    if (!key.ok()) continue;
    const bool removed = change.removed() && key->part == resource::ParsedKey::Part::kSpec;
    const auto [at, is_first] = position.emplace(resource::object_prefix(key->ref), events.size());
    if (is_first)
      events.push_back(event_of(key->ref, removed, revision));
    else if (removed)
      events[at->second] = event_of(key->ref, removed, revision);
  }
  return events;
}

}  // namespace

class ChangeEvents::Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(state::Engine& engine, bus::Bus& bus) : engine_(engine), bus_(bus) {}

  void start() {
    state::WatchRequest request;
    request.keys = state::KeyRange::prefix(kObjectPrefix);
    state::WatchCallbacks callbacks;
    callbacks.on_changes = [self = shared_from_this()](uint64_t revision, const std::vector<state::Event>& changes) {
      self->publish(revision, changes);
    };
    callbacks.on_end = [self = shared_from_this()](const Error& why) { self->ended(why); };
    const auto watch = engine_.watch(std::move(request), std::move(callbacks));
    std::lock_guard lock(mutex_);
    watch_ = watch;
  }

  /// Nothing is published once it has returned.
  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    engine_.unwatch(watch_);
  }

 private:
  void publish(uint64_t revision, const std::vector<state::Event>& changes) {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    const auto published = bus_.publish(events_of(revision, changes));
    if (!published.ok()) log_warn("daemon", "cannot tell of a change", {{"why", published.error().message}});
  }

  /// Compaction has overtaken a very slow follower: goes on from now.
  void ended(const Error& why) {
    {
      std::lock_guard lock(mutex_);
      if (stopped_ || why.code != Code::kOutOfRange) return;
    }
    log_warn("daemon", "events of changes were lost", {{"why", why.message}});
    start();
  }

  state::Engine& engine_;
  bus::Bus& bus_;
  std::mutex mutex_;
  bool stopped_ = false;
  state::WatchId watch_ = 0;
};

ChangeEvents::ChangeEvents(state::Engine& engine, bus::Bus& bus) : follower_(std::make_shared<Follower>(engine, bus)) {
  follower_->start();
}

ChangeEvents::~ChangeEvents() {
  follower_->stop();
}

}  // namespace novacron::host::daemon
