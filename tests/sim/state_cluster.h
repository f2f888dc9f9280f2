// A few state engines that talk over a switchboard in memory, each on its own disk in memory.
#pragma once

#include <deque>
#include <set>
#include <thread>

#include "tests/sim/state_fixture.h"

namespace novacron::host::state::sim {

/// Delivers frames on a thread of its own. Cut nodes neither hear nor are heard.
class Switchboard final {
 public:
  Switchboard() : thread_([this] { thread_main(); }) {}
  ~Switchboard() {
    {
      std::lock_guard lock(mutex_);
      over_ = true;
      wake_.notify_all();
    }
    thread_.join();
  }

  void cut(raft::NodeId node) {
    std::lock_guard lock(mutex_);
    cut_.insert(node);
  }
  void heal() {
    std::lock_guard lock(mutex_);
    cut_.clear();
  }
  /// How many bytes went by that lane in all.
  uint64_t bytes(raft::Lane lane) const { return bytes_[static_cast<size_t>(lane)]; }

 private:
  friend class Plug;
  struct Frame {
    raft::NodeId from;
    raft::NodeId to;
    std::string bytes;
  };

  void send(Frame frame, raft::Lane lane) {
    bytes_[static_cast<size_t>(lane)] += frame.bytes.size();
    std::lock_guard lock(mutex_);
    if (cut_.contains(frame.from) || cut_.contains(frame.to)) return;
    frames_.push_back(std::move(frame));
    wake_.notify_one();
  }
  /// Once it returns nobody is called any more.
  void set_receiver(raft::NodeId node, raft::Peers::Receive receive) {
    std::lock_guard delivering(delivering_);
    std::lock_guard lock(mutex_);
    receivers_[node] = std::move(receive);
  }
  void thread_main() {
    while (true) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return over_ || !frames_.empty(); });
      if (over_) return;
      lock.unlock();
      std::lock_guard delivering(delivering_);
      lock.lock();
      const Frame frame = std::move(frames_.front());
      frames_.pop_front();
      const auto receive = cut_.contains(frame.to) ? raft::Peers::Receive() : receivers_[frame.to];
      lock.unlock();
      if (receive) receive(frame.from, frame.bytes);
    }
  }

  std::mutex mutex_;
  std::mutex delivering_;
  std::condition_variable wake_;
  std::deque<Frame> frames_;
  std::set<raft::NodeId> cut_;
  std::map<raft::NodeId, raft::Peers::Receive> receivers_;
  std::atomic<uint64_t> bytes_[2] = {0, 0};
  bool over_ = false;
  std::thread thread_;
};

/// A node's end of it.
class Plug final : public raft::Peers {
 public:
  Plug(Switchboard& board, raft::NodeId node) : board_(board), node_(node) {}
  void start(Receive receive) override { board_.set_receiver(node_, std::move(receive)); }
  void stop() override { board_.set_receiver(node_, {}); }
  void send(raft::NodeId to, raft::Lane lane, std::string frame) override {
    board_.send({node_, to, std::move(frame)}, lane);
  }

 private:
  Switchboard& board_;
  const raft::NodeId node_;
};

class ClusterFixture {
 public:
  static constexpr auto kPatience = std::chrono::seconds(60);

  explicit ClusterFixture(raft::NodeId nodes) {
    for (raft::NodeId node = 1; node <= nodes; ++node) members_.members[node] = raft::MemberRole::kVoter;
    for (raft::NodeId node = 1; node <= nodes; ++node) {
      seats_.emplace(node, std::make_unique<Seat>(board, node));
      start(node);
    }
  }

  void start(raft::NodeId node) {
    Seat& seat = *seats_.at(node);
    Replica::Options options;
    options.folder = "data";
    options.segment_bytes = 256 * 1'024;
    options.tick_ms = 20;
    options.node = node;
    options.first_members = members_;
    options.peers = &seat.plug;
    options.heartbeat_ms = 30;
    options.election_ms = 300;
    auto opened = Replica::open(seat.disk, system_clock(), options);
    INFO((opened.ok() ? std::string() : opened.error().message));
    REQUIRE(opened.ok());
    seat.engine = *std::move(opened);
  }
  void stop(raft::NodeId node) { seats_.at(node)->engine.reset(); }
  /// As a crash: nobody hears from it that it goes, and its disk forgets what it had not synced.
  void kill(raft::NodeId node) {
    board.cut(node);
    seats_.at(node)->disk.cut_power_after(0);
    stop(node);
    std::mt19937_64 random(node);
    seats_.at(node)->disk.crash(random);
    board.heal();
  }

  Replica& at(raft::NodeId node) { return *seats_.at(node)->engine; }
  bool is_up(raft::NodeId node) const { return seats_.at(node)->engine != nullptr; }
  Sync sync(raft::NodeId node) { return Sync(at(node)); }

  template <class Condition>
  static bool wait_until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  /// Who leads in the eyes of all that are up, other than `except`.
  raft::NodeId leader(raft::NodeId except = 0) {
    raft::NodeId leader = 0;
    const auto is_agreed = [&] {
      leader = 0;
      for (const auto& [node, seat] : seats_) {
        if (!seat->engine || node == except) continue;
        const raft::NodeId theirs = seat->engine->status().leader;
        if (theirs == 0 || theirs == except || (leader != 0 && theirs != leader)) return false;
        leader = theirs;
      }
      return leader != 0 && is_up(leader);
    };
    REQUIRE(wait_until(is_agreed));
    return leader;
  }
  raft::NodeId follower() {
    const raft::NodeId leads = leader();
    return leads == 1 ? 2 : 1;
  }

  /// Puts until it is acknowledged, as a client does that is told to try again.
  void put(raft::NodeId node, const std::string& key, const std::string& value) {
    Status last;
    const auto is_done = [&] {
      auto revision = sync(node).put(key, value);
      if (!revision.ok()) last = revision.error();
      return revision.ok();
    };
    INFO((last.ok() ? std::string() : last.error().message));
    REQUIRE(wait_until(is_done));
  }
  std::string value(raft::NodeId node, const std::string& key) {
    Result<EntryPtr> entry = EntryPtr();
    REQUIRE(wait_until([&] { return (entry = sync(node).get(key)).ok(); }));
    return *entry ? (*entry)->value : "(absent)";
  }
  bool has(raft::NodeId node, const std::string& key, const std::string& value) {
    return wait_until([&] {
      const auto reply = sync(node).range({.keys = KeyRange::one(key), .freshness = RangeRequest::Freshness::kLocal});
      return reply.ok() && !reply->entries.empty() && reply->entries[0]->value == value;
    });
  }

  Switchboard board;

 private:
  struct Seat {
    Seat(Switchboard& board, raft::NodeId node) : plug(board, node) {}
    Disk disk;
    Plug plug;
    std::unique_ptr<Replica> engine;
  };
  raft::Membership members_;
  std::map<raft::NodeId, std::unique_ptr<Seat>> seats_;
};

}  // namespace novacron::host::state::sim
