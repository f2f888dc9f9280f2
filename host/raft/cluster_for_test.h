// A few cores on one table, for unit tests: messages go from hand to hand, disks write when they are told to.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/raft/core.h"

namespace novacron::host::raft::testing {

class NoImage final : public SnapshotImage {};

class Cluster final {
 public:
  static constexpr uint32_t kElectionTicks = 10;

  explicit Cluster(std::map<NodeId, MemberRole> members) {
    for (const auto& [node, role] : members) add(node, Membership{members});
  }
  static Cluster of_voters(NodeId count) {
    std::map<NodeId, MemberRole> members;
    for (NodeId node = 1; node <= count; ++node) members[node] = MemberRole::kVoter;
    return Cluster(std::move(members));
  }

  /// A node that has nothing yet.
  void add(NodeId node, Membership first = {}) {
    Core::Stored stored;
    stored.snapshot.membership = std::move(first);
    start(node, std::move(stored));
  }
  void start(NodeId node, Core::Stored stored) {
    Core::Options options{node, 2, kElectionTicks, 1'024, [node] { return 3 * node; }};  // no two at once
    seats_.erase(node);
    seats_.emplace(node, Seat{Core::restore(std::move(options), std::move(stored)).value(), {}, {}, {}});
  }

  Core& at(NodeId node) { return seats_.at(node).core; }
  /// The payloads of commands that it has applied.
  const std::vector<std::string>& applied(NodeId node) const { return seats_.at(node).applied; }
  const std::vector<ReadReady>& reads(NodeId node) const { return seats_.at(node).reads; }

  /// Takes what a node wants done: its messages go on the table, its writes wait for sync().
  void work(NodeId node) {
    Seat& seat = seats_.at(node);
    for (Ready ready = seat.core.take_ready(); !ready.empty(); ready = seat.core.take_ready()) {
      for (Message& message : ready.messages) post(std::move(message));
      for (Message& message : ready.messages_when_durable) seat.unsynced.push_back(std::move(message));
      for (const EntryPtr& entry : ready.committed) {
        if (entry->kind == EntryKind::kCommand) seat.applied.push_back(entry->payload);
      }
      seat.reads.insert(seat.reads.end(), ready.reads.begin(), ready.reads.end());
    }
  }
  void sync(NodeId node) {
    work(node);
    for (Message& message : std::exchange(seats_.at(node).unsynced, {})) post(std::move(message));
  }

  /// Until nothing moves any more. What `lost` says so is not delivered.
  void settle() {
    do {
      for (auto& [node, seat] : seats_) sync(node);
      while (!table_.empty()) {
        Message message = std::move(table_.front());
        table_.pop_front();
        const auto to = seats_.find(message.to);
        if (to != seats_.end() && !lost(message)) to->second.core.receive(std::move(message));
      }
      for (auto& [node, seat] : seats_) work(node);
    } while (!table_.empty() || has_unsynced());
  }
  void tick(NodeId node, uint32_t times = 1) {
    for (; times > 0; --times) at(node).tick();
  }
  /// Time passes for all.
  void tick_all(uint32_t times) {
    for (; times > 0; --times) {
      for (auto& [node, seat] : seats_) seat.core.tick();
      settle();
    }
  }
  void elect(NodeId node) {
    tick(node, 2 * kElectionTicks);
    settle();
  }

  std::function<bool(const Message&)> lost = [](const Message&) { return false; };
  void cut_off(NodeId node) {
    lost = [node](const Message& message) { return (message.from == node) != (message.to == node); };
  }
  void heal() {
    lost = [](const Message&) { return false; };
  }

 private:
  struct Seat {
    Core core;
    std::vector<Message> unsynced;
    std::vector<std::string> applied;
    std::vector<ReadReady> reads;
  };
  void post(Message message) { table_.push_back(std::move(message)); }
  bool has_unsynced() const {
    for (const auto& [node, seat] : seats_) {
      if (!seat.unsynced.empty()) return true;
    }
    return false;
  }

  std::map<NodeId, Seat> seats_;
  std::deque<Message> table_;
};

}  // namespace novacron::host::raft::testing
