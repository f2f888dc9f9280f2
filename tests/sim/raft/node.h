// One simulated node: the core, its disk, its state machine, and the clients that wait for it.
#pragma once

#include <map>
#include <optional>

#include "tests/sim/raft/checks.h"
#include "tests/sim/raft/disk.h"
#include "tests/sim/raft/network.h"

namespace novacron::sim {

/// What a client gets back.
struct Reply {
  bool is_done = false;  ///< else: not here, not now
  uint64_t value = 0;    ///< that was read
};
using Answer = std::function<void(Reply)>;

/// What all nodes of a run use.
struct World {
  Schedule& schedule;
  Random& random;
  Faults& faults;
  Network& network;
  Checks& checks;
  std::ostream* trace = nullptr;

  void say(host::raft::NodeId node, const std::string& what) const;
};

class Node final {
 public:
  Node(World& world, host::raft::NodeId id, host::raft::Membership first);

  void start();
  void crash();
  void pause(uint64_t for_us) { paused_until_us_ = world_.schedule.now_us() + for_us; }
  bool is_up() const { return core_.has_value(); }
  host::raft::Core* core() { return core_ ? &*core_ : nullptr; }
  const RegisterMachine& machine() const { return machine_; }

  void receive(host::raft::Message message);
  void write(const Write& write, Answer answer);
  void read(uint64_t key, Answer answer);
  void change(const host::raft::MembershipChange& change);
  void transfer(host::raft::NodeId to);

 private:
  struct WaitingRead {
    host::raft::Index index = 0;  ///< 0: not known yet
    uint64_t key = 0;
    Answer answer;
  };

  /// Later, if it is paused; never, if it has crashed by then.
  void run(std::function<void()> action);
  void later(uint64_t delay_us, std::function<void()> action);
  void tick();
  void settle();
  void carry_out(host::raft::Ready ready);
  void send(std::vector<host::raft::Message> messages);
  void sync_next();
  void apply(const host::raft::EntryPtr& entry);
  void install(const host::raft::Snapshot& snapshot);
  void serve_reads();
  void snapshot_if_due();
  void note_role();

  World& world_;
  const host::raft::NodeId id_;
  Disk disk_;
  std::optional<host::raft::Core> core_;
  RegisterMachine machine_;
  uint64_t life_ = 0;  ///< grows with each crash
  uint64_t paused_until_us_ = 0;
  uint64_t tick_us_ = 0;
  bool is_settling_ = false;
  bool is_syncing_ = false;
  bool takes_snapshot_ = false;
  host::raft::Term led_term_ = 0;                           ///< the last term in which it was seen leading
  std::map<std::pair<uint64_t, uint64_t>, Answer> writes_;  ///< by session and sequence
  std::map<uint64_t, WaitingRead> reads_;                   ///< by token
  uint64_t next_token_ = 1;
};

}  // namespace novacron::sim
