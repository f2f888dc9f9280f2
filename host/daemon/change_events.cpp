#include "host/daemon/change_events.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
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
constexpr std::chrono::seconds kCatchUp{10};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

/// Real time of a change, from its audit record's key "audit/<20 digits>-…"; 0: that is none.
uint64_t time_of(const std::string& key) {
  if (!key.starts_with(resource::kAuditPrefix)) return 0;
  const char* digits = key.data() + resource::kAuditPrefix.size();
  uint64_t time_ns = 0;
  const auto [end, error] = std::from_chars(digits, key.data() + key.size(), time_ns);
  return error == std::errc() && end != digits ? time_ns : 0;
}

bus::Event event_of(const resource::ObjectRef& ref, bool removed, uint64_t revision) {
  const std::string kind = lower(ref.kind.substr(ref.kind.find('/') + 1));
  const nlohmann::ordered_json body = {{"kind", ref.kind}, {"tenant", ref.tenant}, {"name", ref.name}};
  return {.subject = "resource." + kind + (removed ? ".deleted" : ".put"),
          .tenant = ref.tenant,
          .body = std::make_shared<const std::string>(body.dump()),
          .revision = revision,
          .derived = true};
}

/// One event for each object that a revision changed, in the order of the changes.
std::vector<bus::Event> events_of(uint64_t revision, const std::vector<state::Event>& changes) {
  std::vector<bus::Event> events;
  std::map<std::string, size_t> position;  // by object, of its event
  uint64_t time_ns = 0;
  for (const auto& change : changes) {
    if (!change.key().starts_with(kObjectPrefix)) {
      if (!change.removed()) time_ns = std::max(time_ns, time_of(change.key()));
      continue;
    }
    const auto key = resource::parse_object_key(change.key());
    if (!key.ok()) continue;
    const bool removed = change.removed() && key->part == resource::ParsedKey::Part::kSpec;
    const auto [at, is_first] = position.emplace(resource::object_prefix(key->ref), events.size());
    if (is_first)
      events.push_back(event_of(key->ref, removed, revision));
    else if (removed)
      events[at->second] = event_of(key->ref, removed, revision);
  }
  for (size_t part = 0; part < events.size(); ++part) {
    events[part].part = static_cast<uint32_t>(part);
    events[part].time_ns = time_ns;
  }
  return events;
}

/// Audit records, for their time, and objects; what lies between is little.
state::KeyRange watched() {
  return {std::string(resource::kAuditPrefix), state::KeyRange::prefix(std::string(kObjectPrefix)).end};
}

}  // namespace

class ChangeEvents::Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(state::Engine& engine, bus::Bus& bus) : engine_(engine), bus_(bus) {}

  /// Returns when the bus has been told what happened before.
  void start() {
    const auto status = engine_.status();
    uint64_t from = std::max<uint64_t>(status.compacted, status.revision == 0 ? 0 : 1);
    if (status.revision > kToldAgainRevisions) from = std::max(from, status.revision - kToldAgainRevisions);
    again_until_ = status.revision;  // nothing follows yet
    follow(from);
    std::unique_lock lock(mutex_);
    const auto told = [&] { return told_revision_ >= status.revision || from >= status.revision || gave_up_; };
    if (!caught_up_.wait_for(lock, kCatchUp, told))
      log_warn("daemon", "events of the last run come late", {{"revision", told_revision_}});
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
  /// What happens after this revision; 0: from now.
  void follow(uint64_t from) {
    bus_.begin_state(from);
    state::WatchRequest request;
    request.keys = watched();
    request.after_revision = from;
    state::WatchCallbacks callbacks;
    callbacks.on_changes = [self = shared_from_this()](uint64_t revision, const std::vector<state::Event>& changes) {
      self->publish(revision, changes);
    };
    callbacks.on_progress = [self = shared_from_this()](uint64_t revision) { self->told(revision); };
    callbacks.on_end = [self = shared_from_this()](const Error& why) { self->ended(why); };
    const auto watch = engine_.watch(std::move(request), std::move(callbacks));
    std::lock_guard lock(mutex_);
    watch_ = watch;
  }

  void publish(uint64_t revision, const std::vector<state::Event>& changes) {
    {
      std::lock_guard lock(mutex_);
      if (stopped_) return;
      auto events = events_of(revision, changes);
      date(revision, events);
      const auto published = events.empty() ? Status() : bus_.publish(std::move(events));
      if (!published.ok()) log_warn("daemon", "cannot tell of a change", {{"why", published.error().message}});
    }
    told(revision);
  }

  /// With the lock held. What the host writes without an audit record has no time of its own; of what is told again,
  /// the time of what came before is the nearest.
  void date(uint64_t revision, std::vector<bus::Event>& events) {
    for (auto& event : events) {
      if (event.time_ns == 0 && revision <= again_until_) event.time_ns = last_time_ns_;
      last_time_ns_ = std::max(last_time_ns_, event.time_ns);
    }
  }

  void told(uint64_t revision) {
    std::lock_guard lock(mutex_);
    told_revision_ = std::max(told_revision_, revision);
    caught_up_.notify_all();
  }

  /// Compaction has overtaken a very slow follower: goes on from now, and nobody can resume from before.
  void ended(const Error& why) {
    {
      std::lock_guard lock(mutex_);
      gave_up_ = true;
      caught_up_.notify_all();
      if (stopped_ || why.code != Code::kOutOfRange) return;
    }
    log_warn("daemon", "events of changes were lost", {{"why", why.message}});
    follow(engine_.status().revision);
  }

  state::Engine& engine_;
  bus::Bus& bus_;
  std::mutex mutex_;
  std::condition_variable caught_up_;
  bool stopped_ = false;
  bool gave_up_ = false;
  uint64_t told_revision_ = 0;
  uint64_t again_until_ = 0;  ///< revision: up to here a run of the host before this may have told it
  uint64_t last_time_ns_ = 0;
  state::WatchId watch_ = 0;
};

ChangeEvents::ChangeEvents(state::Engine& engine, bus::Bus& bus) : follower_(std::make_shared<Follower>(engine, bus)) {
  follower_->start();
}

ChangeEvents::~ChangeEvents() {
  follower_->stop();
}

}  // namespace novacron::host::daemon
