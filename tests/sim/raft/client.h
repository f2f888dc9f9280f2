// Clients that write and read registers, one operation after the other, and do not give up easily.
#pragma once

#include "tests/sim/raft/node.h"

namespace novacron::sim {

class Client final {
 public:
  /// `nodes` outlive it.
  Client(World& world, std::vector<std::unique_ptr<Node>>& nodes, uint64_t id);

  void start();
  void count_from_now();
  /// Operations that began and were answered since.
  uint64_t answered() const { return answered_; }

 private:
  void begin();
  void attempt();
  void try_elsewhere(uint64_t delay_us);
  void ask(Node& node, uint64_t attempt);
  void done(Reply reply);
  void give_up();

  World& world_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  const uint64_t id_;
  uint64_t session_;
  uint64_t sequence_ = 0;
  uint64_t operation_ = 0;  ///< counts them
  uint64_t attempt_ = 0;    ///< counts those of all operations
  bool is_write_ = false;
  uint64_t key_ = 0;
  uint64_t value_ = 0;
  size_t number_ = 0;  ///< in the checks' history
  uint64_t called_us_ = 0;
  size_t target_ = 0;
  uint64_t counts_from_us_ = 0;
  uint64_t answered_ = 0;
};

}  // namespace novacron::sim
