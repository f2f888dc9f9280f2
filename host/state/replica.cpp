#include "host/state/replica.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <thread>

#include "host/base/log.h"
#include "host/state/data_folder.h"
#include "host/state/lease_clock.h"
#include "host/state/runner.h"
#include "host/state/snapshotter.h"
#include "host/state/watch_hub.h"

namespace novacron::host::state {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kTicksPerHeartbeat = 2;
constexpr uint32_t kPatienceElections = 4;       // that a caller waits for a leader
constexpr size_t kCleanedAtOnce = 1'000;         // under one hold of the lock
constexpr size_t kCleanedPerTick = 100;          // times that
constexpr size_t kAgedPerTick = 10'000;          // changes looked at for their age
constexpr uint64_t kCompactionShare = 16;        // of retain_revisions: fewer are not worth an entry …
constexpr uint64_t kCompactionPauseMs = 60'000;  // … unless so much time has passed

Error compacted(Revision floor) {
  return {Code::kOutOfRange, "history before revision " + std::to_string(floor) + " was compacted", "state.compacted"};
}

Error in_future(Revision revision) {
  return {Code::kFailedPrecondition, "the state is at revision " + std::to_string(revision), "state.future-revision"};
}

bool has_put(const std::vector<Write>& writes) {
  for (const Write& write : writes)
    if (std::holds_alternative<Put>(write)) return true;
  return false;
}

}  // namespace

class Replica::State final : public ChangeSource {
 public:
  static Result<std::unique_ptr<State>> open(FileSystem& files, const Clock& clock, Options options);
  ~State() override;

  Revision revision() const override;
  Result<std::vector<ChangePtr>> changes(Revision after, size_t limit) const override;

  void txn(Txn txn, Callback<TxnReply> done);
  Result<RangeReply> range(const RangeRequest& request) const;
  void grant_lease(uint64_t ttl_ms, Callback<Lease> done);
  void end_lease(uint64_t lease, Runner::Origin origin, Callback<void> done);
  void compact(Revision revision, Runner::Origin origin, Callback<void> done);
  EngineStatus status() const;
  void tick();
  Status snapshot();

  WatchHub& hub() { return *hub_; }
  Runner& runner() { return *runner_; }
  void keep_lease(uint64_t lease, Callback<Lease> done);
  void read(RangeRequest request, Callback<RangeReply> done);

 private:
  State(FileSystem& files, const Clock& clock, Options options)
      : files_(files), clock_(clock), options_(std::move(options)) {}

  Status start(Recovered recovered);
  void tick_main();
  void end_expired_leases();
  void compact_history();
  Revision compaction_target(Revision& floor) const;
  void clean();
  void start_snapshot_if_due();
  void role_changed(bool leads);
  void follow_leases();
  Result<Lease> keep_here(uint64_t lease);
  void install(std::unique_ptr<Machine> machine, const SnapshotHead& head);
  Runner::Hooks hooks();
  raft::Core::Options core_options() const;

  FileSystem& files_;
  const Clock& clock_;
  Options options_;
  std::unique_ptr<FileLock> lock_;
  SharedMachine shared_;
  LeaseClock lease_clock_;
  std::unique_ptr<WatchHub> hub_;
  std::unique_ptr<Runner> runner_;

  std::mutex snapshot_mutex_;  ///< held while one is written
  std::thread snapshot_thread_;
  std::atomic<bool> snapshot_runs_{false};
  std::atomic<uint64_t> snapshot_at_bytes_{0};  ///< of the log
  std::atomic<bool> stop_snapshot_{false};
  std::atomic<bool> snapshot_wanted_{false};  ///< by other nodes
  std::atomic<uint64_t> followed_leases_{0};  ///< how far: the machine's lease_changes()

  std::atomic<bool> compacting_{false};
  uint64_t compacted_ns_ = 0;  ///< the tick's own
  uint64_t progress_ns_ = 0;   ///< likewise
  std::mutex tick_mutex_;
  std::condition_variable tick_wake_;
  bool stopping_ = false;  ///< guarded by tick_mutex_
  std::thread tick_thread_;
};

Result<std::unique_ptr<Replica::State>> Replica::State::open(FileSystem& files, const Clock& clock, Options options) {
  std::unique_ptr<State> state(new State(files, clock, std::move(options)));
  const Options& chosen = state->options_;
  if (chosen.first_members.members.empty())
    state->options_.first_members.members[chosen.node] = raft::MemberRole::kVoter;
  const FolderOptions folder{
      .folder = chosen.folder,
      .log = {.segment_bytes = chosen.segment_bytes, .salt = std::random_device()()},
      .node = chosen.node,
      .first_members = chosen.first_members,
  };
  auto recovered = TRY(recover_folder(files, folder, state->shared_));
  TRY_STATUS(state->start(std::move(recovered)));
  return state;
}

Status Replica::State::start(Recovered recovered) {
  lock_ = std::move(recovered.lock);
  const uint64_t now = clock_.monotonic_ns();
  compacted_ns_ = progress_ns_ = now;
  snapshot_at_bytes_ = options_.snapshot_after_bytes;
  for (const auto& [lease, state] : shared_.machine.leases()) lease_clock_.start({lease, state.ttl_ms}, now);
  hub_ = std::make_unique<WatchHub>(*this);
  auto core = TRY(raft::Core::restore(core_options(), std::move(recovered.stored)));
  const uint64_t tick_ms = std::max<uint64_t>(options_.heartbeat_ms / kTicksPerHeartbeat, 1);
  runner_ = TRY(Runner::start({.log = std::move(recovered.log),
                               .core = std::move(core),
                               .shared = shared_,
                               .clock = clock_,
                               .files = files_,
                               .folder = options_.folder,
                               .peers = options_.peers,
                               .tick_ms = tick_ms,
                               .patience_ticks = kPatienceElections * core_options().election_ticks},
                              hooks()));
  if (options_.peers != nullptr)
    options_.peers->start([this](raft::NodeId from, const std::string& frame) { runner_->receive(from, frame); });
  if (options_.tick_ms > 0) tick_thread_ = std::thread([this] { tick_main(); });
  return {};
}

raft::Core::Options Replica::State::core_options() const {
  raft::Core::Options options;
  options.node = options_.node;
  options.heartbeat_ticks = kTicksPerHeartbeat;
  const uint64_t tick_ms = std::max<uint64_t>(options_.heartbeat_ms / kTicksPerHeartbeat, 1);
  options.election_ticks = static_cast<uint32_t>(std::max<uint64_t>(options_.election_ms / tick_ms, 4));
  options.random = std::mt19937_64(std::random_device()());
  return options;
}

Runner::Hooks Replica::State::hooks() {
  return {.applied = [this] { hub_->notify(); },
          .fatal = options_.on_fatal,
          .role_changed = [this](bool leads) { role_changed(leads); },
          .snapshot_wanted = [this] { snapshot_wanted_ = true; },
          .install = [this](auto machine, const auto& head) { install(std::move(machine), head); },
          .keep_lease = [this](uint64_t lease) { return keep_here(lease); }};
}

/// Who begins to lead gives every lease its whole time: nobody knows what the leader before was told last.
void Replica::State::role_changed(bool leads) {
  if (!leads) return;
  lease_clock_.clear();
  followed_leases_ = UINT64_MAX;
  follow_leases();
}

void Replica::State::follow_leases() {
  std::map<uint64_t, uint64_t> ttls_ms;
  {
    std::shared_lock lock(shared_.mutex);
    if (followed_leases_.exchange(shared_.machine.lease_changes()) == shared_.machine.lease_changes()) return;
    for (const auto& [lease, state] : shared_.machine.leases()) ttls_ms.emplace(lease, state.ttl_ms);
  }
  lease_clock_.follow(ttls_ms, clock_.monotonic_ns());
}

/// No snapshot of the old one is being written any more.
void Replica::State::install(std::unique_ptr<Machine> machine, const SnapshotHead& head) {
  stop_snapshot_ = true;
  std::lock_guard one(snapshot_mutex_);
  stop_snapshot_ = false;
  {
    std::lock_guard lock(shared_.mutex);
    shared_.machine = std::move(*machine);
    shared_.term = head.term;
    if (!head.members.members.empty()) shared_.members = head.members;
  }
  hub_->notify();
  auto removed = remove_old_snapshots(files_, options_.folder);
  if (!removed.ok()) log_warn("state", "an old snapshot stays", {{"error", removed.error().message}});
}

Replica::State::~State() {
  {
    std::lock_guard lock(tick_mutex_);
    stopping_ = true;
    tick_wake_.notify_one();
  }
  if (tick_thread_.joinable()) tick_thread_.join();
  if (runner_) runner_->stop();
  if (runner_ && options_.peers != nullptr) options_.peers->stop();
  stop_snapshot_ = true;
  if (snapshot_thread_.joinable()) snapshot_thread_.join();
  if (hub_) hub_->stop({Code::kUnavailable, "the state engine has stopped", "state.stopped"});
}

Revision Replica::State::revision() const {
  std::shared_lock lock(shared_.mutex);
  return shared_.machine.keys().revision();
}

Result<std::vector<ChangePtr>> Replica::State::changes(Revision after, size_t limit) const {
  std::shared_lock lock(shared_.mutex);
  const Keyspace& keys = shared_.machine.keys();
  if (after < keys.floor()) return compacted(keys.floor());
  return keys.history(after, limit);
}

void Replica::State::txn(Txn txn, Callback<TxnReply> done) {
  auto checked = check_txn(txn);
  if (checked.ok() && (has_put(txn.writes) || has_put(txn.otherwise))) {
    std::shared_lock lock(shared_.mutex);
    if (shared_.machine.keys().bytes() > options_.max_bytes)
      checked = Error{Code::kResourceExhausted,
                      "the state has reached its " + std::to_string(options_.max_bytes) + " bytes: remove keys",
                      "state.full"};
  }
  if (!checked.ok()) return done(std::move(checked).error());
  runner_->propose(std::move(txn), Runner::Origin::kClient, [done = std::move(done)](Result<Outcome> outcome) {
    if (!outcome.ok()) return done(std::move(outcome).error());
    done(TxnReply{outcome->succeeded, outcome->revision});
  });
}

Result<RangeReply> Replica::State::range(const RangeRequest& request) const {
  const uint32_t limit = request.limit == 0 ? kDefaultRangeEntries : std::min(request.limit, kMaxRangeEntries);
  std::shared_lock lock(shared_.mutex);
  const Keyspace& keys = shared_.machine.keys();
  const Revision at = request.at_revision == 0 ? keys.revision() : request.at_revision;
  if (at > keys.revision()) return in_future(keys.revision());
  if (at < keys.floor()) return compacted(keys.floor());
  return keys.range(request.keys, at, limit);
}

void Replica::State::read(RangeRequest request, Callback<RangeReply> done) {
  const bool is_local = request.freshness == RangeRequest::Freshness::kLocal || runner_->is_alone();
  const bool is_past = request.at_revision != 0 && request.at_revision <= revision();
  if (is_local || is_past) return done(range(request));
  runner_->read([this, request = std::move(request), done = std::move(done)](Status caught_up) {
    if (!caught_up.ok()) return done(std::move(caught_up).error());
    done(range(request));
  });
}

Result<Lease> Replica::State::keep_here(uint64_t lease) {
  follow_leases();
  return lease_clock_.keep(lease, clock_.monotonic_ns());
}

void Replica::State::keep_lease(uint64_t lease, Callback<Lease> done) {
  if (runner_->is_alone()) return done(keep_here(lease));
  runner_->keep_lease(lease, std::move(done));
}

void Replica::State::grant_lease(uint64_t ttl_ms, Callback<Lease> done) {
  if (ttl_ms < kMinLeaseTtlMs || ttl_ms > kMaxLeaseTtlMs)
    return done(
        Error{Code::kInvalidArgument,
              "a lease lives " + std::to_string(kMinLeaseTtlMs) + " to " + std::to_string(kMaxLeaseTtlMs) + " ms",
              "state.lease-ttl"});
  runner_->propose(GrantLease{ttl_ms}, Runner::Origin::kClient,
                   [this, ttl_ms, done = std::move(done)](Result<Outcome> outcome) {
                     if (!outcome.ok()) return done(std::move(outcome).error());
                     lease_clock_.start({outcome->id, ttl_ms}, clock_.monotonic_ns());
                     done(Lease{outcome->id, ttl_ms});
                   });
}

void Replica::State::end_lease(uint64_t lease, Runner::Origin origin, Callback<void> done) {
  runner_->propose(EndLease{lease}, origin, [this, lease, done = std::move(done)](Result<Outcome> outcome) {
    if (outcome.ok() || outcome.code() == Code::kNotFound) lease_clock_.forget(lease);
    done(outcome.ok() ? Status() : Status(std::move(outcome).error()));
  });
}

void Replica::State::compact(Revision revision, Runner::Origin origin, Callback<void> done) {
  if (revision > this->revision()) return done(in_future(this->revision()));
  runner_->propose(Compact{revision}, origin, [done = std::move(done)](Result<Outcome> outcome) {
    done(outcome.ok() ? Status() : Status(std::move(outcome).error()));
  });
}

EngineStatus Replica::State::status() const {
  EngineStatus status;
  status.alarm = runner_->alarm();
  status.writable = status.alarm.empty();
  status.watchers = hub_->watchers();
  status.node = options_.node;
  status.leader = runner_->leader();
  std::shared_lock lock(shared_.mutex);
  const Machine& machine = shared_.machine;
  status.revision = machine.keys().revision();
  status.compacted = machine.keys().floor();
  status.term = shared_.term;
  status.index = machine.index();
  status.keys = machine.keys().live_keys();
  status.bytes = machine.keys().bytes();
  status.leases = machine.leases().size();
  status.members = shared_.members.members.size();
  return status;
}

void Replica::State::tick_main() {
  pthread_setname_np(pthread_self(), "nc-tick");
  std::unique_lock lock(tick_mutex_);
  while (!tick_wake_.wait_for(lock, std::chrono::milliseconds(options_.tick_ms), [this] { return stopping_; })) {
    lock.unlock();
    tick();
    lock.lock();
  }
}

void Replica::State::tick() {
  if (runner_->leads()) {
    follow_leases();
    end_expired_leases();
    compact_history();
  }
  clean();
  runner_->tick();
  start_snapshot_if_due();
  const uint64_t now = clock_.monotonic_ns();
  if (now - progress_ns_ < options_.progress_ms * kNsPerMs) return;
  progress_ns_ = now;
  hub_->send_progress();
}

void Replica::State::end_expired_leases() {
  for (const uint64_t lease : lease_clock_.expired(clock_.monotonic_ns()))
    end_lease(lease, Runner::Origin::kEngine, [this, lease](Status ended) {
      if (!ended.ok() && ended.code() != Code::kNotFound) lease_clock_.retry(lease);
    });
}

/// What should be compacted by now: the oldest of what any of the three limits asks for.
Revision Replica::State::compaction_target(Revision& floor) const {
  const uint64_t now = clock_.real_ns();
  const uint64_t age = options_.retain_ms * kNsPerMs;
  std::shared_lock lock(shared_.mutex);
  const Keyspace& keys = shared_.machine.keys();
  floor = keys.floor();
  Revision target = now > age ? keys.last_before(now - age, kAgedPerTick) : floor;
  if (keys.revision() > options_.retain_revisions)
    target = std::max(target, keys.revision() - options_.retain_revisions);
  if (keys.bytes() - keys.live_bytes() > options_.retain_bytes)
    target = std::max(target, floor + (keys.revision() - floor + 1) / 2);
  return target;
}

void Replica::State::compact_history() {
  if (compacting_) return;
  Revision floor = 0;
  const Revision target = compaction_target(floor);
  if (target <= floor) return;
  const uint64_t now = clock_.monotonic_ns();
  const bool worth_it = target - floor >= options_.retain_revisions / kCompactionShare;
  if (!worth_it && now - compacted_ns_ < kCompactionPauseMs * kNsPerMs) return;
  compacted_ns_ = now;
  compacting_ = true;
  compact(target, Runner::Origin::kEngine, [this](const Status&) { compacting_ = false; });
}

void Replica::State::clean() {
  bool more = true;
  for (size_t times = 0; more && times < kCleanedPerTick; ++times) {
    std::lock_guard lock(shared_.mutex);
    more = shared_.pins == 0 && shared_.machine.keys().clean(kCleanedAtOnce);
  }
}

void Replica::State::start_snapshot_if_due() {
  if (snapshot_runs_) return;
  if (!snapshot_wanted_.exchange(false) && runner_->logged_bytes() < snapshot_at_bytes_) return;
  if (snapshot_thread_.joinable()) snapshot_thread_.join();
  snapshot_runs_ = true;
  snapshot_thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "nc-snapshot");
    auto written = snapshot();
    if (!written.ok() && written.code() != Code::kCancelled)
      log_warn("state", "no snapshot could be written", {{"error", written.error().message}});
    snapshot_runs_ = false;
  });
}

Status Replica::State::snapshot() {
  std::lock_guard lock(snapshot_mutex_);
  snapshot_at_bytes_ = runner_->logged_bytes() + options_.snapshot_after_bytes;
  const auto head = TRY(write_snapshot(files_, options_.folder, shared_, stop_snapshot_));
  if (options_.peers != nullptr) runner_->snapshot_taken(TRY(SnapshotFile::open(files_, options_.folder, head)));
  TRY_STATUS(remove_old_snapshots(files_, options_.folder));
  runner_->drop_through(head.index);
  return {};
}

Replica::Replica(std::unique_ptr<State> state) : state_(std::move(state)) {}
Replica::~Replica() = default;

Result<std::unique_ptr<Replica>> Replica::open(FileSystem& files, const Clock& clock, Options options) {
  auto state = TRY(State::open(files, clock, std::move(options)));
  return std::unique_ptr<Replica>(new Replica(std::move(state)));
}

void Replica::txn(Txn txn, Callback<TxnReply> done) {
  state_->txn(std::move(txn), std::move(done));
}
void Replica::range(RangeRequest request, Callback<RangeReply> done) {
  state_->read(std::move(request), std::move(done));
}
WatchId Replica::watch(WatchRequest request, WatchCallbacks callbacks) {
  return state_->hub().watch(std::move(request), std::move(callbacks));
}
void Replica::unwatch(WatchId watch) {
  state_->hub().unwatch(watch);
}
void Replica::grant_lease(uint64_t ttl_ms, Callback<Lease> done) {
  state_->grant_lease(ttl_ms, std::move(done));
}
void Replica::keep_lease(uint64_t lease, Callback<Lease> done) {
  state_->keep_lease(lease, std::move(done));
}
void Replica::revoke_lease(uint64_t lease, Callback<void> done) {
  state_->end_lease(lease, Runner::Origin::kClient, std::move(done));
}
void Replica::open_session(Callback<uint64_t> done) {
  state_->runner().propose(OpenSession{}, Runner::Origin::kClient, [done = std::move(done)](Result<Outcome> outcome) {
    if (!outcome.ok()) return done(std::move(outcome).error());
    done(outcome->id);
  });
}
void Replica::compact(Revision revision, Callback<void> done) {
  state_->compact(revision, Runner::Origin::kClient, std::move(done));
}
Revision Replica::revision() const {
  return state_->revision();
}
EngineStatus Replica::status() const {
  return state_->status();
}
void Replica::tick() {
  state_->tick();
}
Status Replica::snapshot() {
  return state_->snapshot();
}

}  // namespace novacron::host::state
