// Links between nodes that lose, double, delay and reorder what is sent, and that can be cut in one direction or both.
#pragma once

#include <set>
#include <utility>

#include "host/raft/types.h"
#include "tests/sim/raft/faults.h"
#include "tests/sim/raft/schedule.h"

namespace novacron::sim {

class Network final {
 public:
  using Deliver = std::function<void(host::raft::Message)>;
  Network(Schedule& schedule, Random& random, const Faults& faults, Deliver deliver)
      : schedule_(schedule), random_(random), faults_(faults), deliver_(std::move(deliver)) {}

  void send(const host::raft::Message& message);
  /// Of a request from outside the cluster; nothing: it is lost.
  bool reaches() { return !random_.chance(faults_.drop); }
  uint64_t delay_us();

  /// Cuts the links between those inside and the other `nodes`.
  void cut(const std::set<host::raft::NodeId>& inside, const std::vector<host::raft::NodeId>& nodes);
  void heal() { cut_.clear(); }

 private:
  Schedule& schedule_;
  Random& random_;
  const Faults& faults_;
  const Deliver deliver_;
  std::set<std::pair<host::raft::NodeId, host::raft::NodeId>> cut_;  ///< from, to
};

}  // namespace novacron::sim
