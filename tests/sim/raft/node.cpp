#include "tests/sim/raft/node.h"

#include <cassert>
#include <ostream>

namespace novacron::sim {

using namespace host::raft;

namespace {

constexpr uint64_t kTickUs = 10'000;
constexpr uint32_t kHeartbeatTicks = 3;
constexpr uint32_t kElectionTicks = 30;

}  // namespace

void World::say(NodeId node, const std::string& what) const {
  if (trace) *trace << schedule.now_us() << " node " << node << ": " << what << '\n';
}

Node::Node(World& world, NodeId id, Membership first) : world_(world), id_(id), disk_(std::move(first)) {}

void Node::start() {
  if (core_) return;
  Core::Options options{id_, kHeartbeatTicks, kElectionTicks, world_.faults.append_entries,
                        [this] { return world_.random.next(); }};
  auto restored = Core::restore(std::move(options), disk_.durable());
  assert(restored.ok());
  core_.emplace(std::move(restored).value());
  machine_ = {};
  const auto* image = dynamic_cast<const MachineImage*>(disk_.durable().snapshot.image.get());
  if (image) machine_ = image->machine;
  const double drift = world_.faults.clock_drift * (static_cast<double>(world_.random.below(201)) - 100) / 100;
  tick_us_ = static_cast<uint64_t>(static_cast<double>(kTickUs) * (1 + drift));
  world_.say(id_, "starts in term " + std::to_string(core_->hard_state().term));
  later(world_.random.below(tick_us_), [this] { tick(); });
}

void Node::crash() {
  if (!core_) return;
  world_.say(id_, "crashes");
  core_.reset();
  disk_.crash(world_.random);
  ++life_;
  is_syncing_ = takes_snapshot_ = false;
  paused_until_us_ = 0;
  writes_.clear();
  reads_.clear();
}

void Node::run(std::function<void()> action) {
  if (!core_) return;
  const uint64_t now_us = world_.schedule.now_us();
  if (paused_until_us_ > now_us) return later(paused_until_us_ - now_us, std::move(action));
  action();
  settle();
}

void Node::later(uint64_t delay_us, std::function<void()> action) {
  world_.schedule.after(delay_us, [this, life = life_, action = std::move(action)] {
    if (life == life_) run(action);
  });
}

void Node::tick() {
  core_->tick();
  later(tick_us_, [this] { tick(); });
}

void Node::receive(Message message) {
  run([this, message = std::move(message)] { core_->receive(message); });
}

void Node::settle() {
  if (is_settling_) return;
  is_settling_ = true;
  note_role();
  for (Ready ready = core_->take_ready(); !ready.empty(); ready = core_->take_ready()) {
    carry_out(std::move(ready));
    note_role();
  }
  is_settling_ = false;
  serve_reads();
  snapshot_if_due();
}

void Node::note_role() {
  if (core_->role() != Role::kLeader || led_term_ == core_->hard_state().term) return;
  led_term_ = core_->hard_state().term;
  world_.say(id_, "leads term " + std::to_string(led_term_));
  world_.checks.leads(*core_);
}

void Node::carry_out(Ready ready) {
  const bool writes = ready.has_writes();
  send(std::move(ready.messages));
  if (ready.snapshot) install(*ready.snapshot);
  if (writes || !disk_.idle()) {
    disk_.write({ready.hard_state, ready.snapshot, std::move(ready.entries), std::move(ready.messages_when_durable)});
    sync_next();
  } else {
    send(std::move(ready.messages_when_durable));
  }
  for (const EntryPtr& entry : ready.committed) apply(entry);
  for (const ReadReady& read : ready.reads) {
    const auto waiting = reads_.find(read.token);
    if (waiting == reads_.end()) continue;
    waiting->second.index = read.index;
    if (read.index != 0) continue;
    waiting->second.answer({false, 0});
    reads_.erase(waiting);
  }
}

void Node::send(std::vector<Message> messages) {
  for (Message& message : messages) {
    if (message.to == id_) {
      core_->receive(std::move(message));
    } else {
      world_.network.send(message);
    }
  }
}

void Node::sync_next() {
  if (is_syncing_ || disk_.idle()) return;
  is_syncing_ = true;
  const bool is_slow = world_.random.chance(world_.faults.slow_disk);
  const uint64_t takes_us = world_.random.between(20, is_slow ? 1'000'000 : world_.faults.disk_us);
  later(takes_us, [this, count = disk_.pending()] {
    is_syncing_ = false;
    send(disk_.synced(count));
    sync_next();
  });
}

void Node::apply(const EntryPtr& entry) {
  const auto write = machine_.apply(*entry);
  world_.checks.applied(*core_, *entry, machine_);
  if (!write) return;
  const auto waiting = writes_.find({write->session, write->sequence});
  if (waiting == writes_.end()) return;
  waiting->second({true, write->value});
  writes_.erase(waiting);
}

void Node::install(const Snapshot& snapshot) {
  const auto* image = dynamic_cast<const MachineImage*>(snapshot.image.get());
  assert(image);
  machine_ = image->machine;
  world_.say(id_, "installs a snapshot at " + std::to_string(snapshot.index));
  world_.checks.installed(id_, machine_);
}

void Node::write(const Write& write, Answer answer) {
  run([this, write, answer = std::move(answer)] {
    if (!core_->propose(write.encode()).ok()) return answer({false, 0});
    writes_[{write.session, write.sequence}] = answer;
  });
}

void Node::read(uint64_t key, Answer answer) {
  run([this, key, answer = std::move(answer)] {
    const uint64_t token = next_token_++;
    reads_[token] = {0, key, answer};
    core_->read(token);
  });
}

void Node::serve_reads() {
  for (auto waiting = reads_.begin(); waiting != reads_.end();) {
    const auto& [index, key, answer] = waiting->second;
    if (index == 0 || index > machine_.index()) {
      ++waiting;
      continue;
    }
    answer({true, machine_.read(key)});
    waiting = reads_.erase(waiting);
  }
}

/// It is written beside the log, so it takes effect some time later.
void Node::snapshot_if_due() {
  const uint64_t due = world_.faults.snapshot_entries;
  if (due == 0 || takes_snapshot_ || machine_.index() < disk_.durable().snapshot.index + due) return;
  takes_snapshot_ = true;
  Snapshot snapshot;
  snapshot.index = machine_.index();
  snapshot.term = core_->log().term_at(snapshot.index).value();
  snapshot.membership = core_->membership_at(snapshot.index);
  snapshot.image = std::make_shared<MachineImage>(machine_);
  later(world_.random.between(1'000, 200'000), [this, snapshot] {
    takes_snapshot_ = false;
    // The log on the disk must reach it, or a crash would leave a gap.
    if (!disk_.has(snapshot.index, snapshot.term) || snapshot.index < core_->log().first_index()) return;
    disk_.keep_snapshot(snapshot);
    const Index kept = world_.faults.kept_entries;
    core_->snapshot_taken(std::make_shared<Snapshot>(snapshot), snapshot.index > kept ? snapshot.index - kept : 0);
  });
}

void Node::change(const MembershipChange& change) {
  run([this, change] {
    if (!core_->change_membership(change).ok()) return;
    world_.say(id_, std::string(change.is_removal ? "removes " : "changes the role of ") + std::to_string(change.node));
  });
}

void Node::transfer(NodeId to) {
  run([this, to] {
    if (core_->transfer_leadership(to).ok()) world_.say(id_, "hands over to " + std::to_string(to));
  });
}

}  // namespace novacron::sim
