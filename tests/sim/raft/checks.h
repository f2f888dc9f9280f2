// What must hold in every run, watched from outside: the nodes know nothing of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/raft/core.h"
#include "tests/sim/raft/linearizability.h"
#include "tests/sim/raft/register_machine.h"

namespace novacron::sim {

class Checks final {
 public:
  /// Election safety: one leader a term. Leader completeness: it has all that was committed in earlier terms.
  void leads(const host::raft::Core& core);
  /// State-machine safety: what one node applied at an index, all do.
  void applied(const host::raft::Core& core, const host::raft::Entry& entry, const RegisterMachine& after);
  void installed(host::raft::NodeId node, const RegisterMachine& machine);
  /// Log matching: where two logs agree in an entry, they agree in all before it.
  void logs(const std::vector<const host::raft::Core*>& cores);

  /// On the register `key`. The number of an operation that is not answered yet.
  size_t called(uint64_t key, Operation operation);
  void answered(uint64_t key, size_t number, uint64_t now, uint64_t value);
  /// Linearizability of all that clients saw.
  void histories();

  void fail(std::string why) {
    if (violation_.empty()) violation_ = std::move(why);
  }
  /// The first that was seen; empty: none.
  const std::string& violation() const { return violation_; }
  size_t terms_led() const { return leaders_.size(); }
  /// Histories that were too hard to judge.
  size_t undecided() const { return undecided_; }
  uint64_t committed() const { return committed_.size(); }

 private:
  struct Committed {
    host::raft::Term term;
    host::raft::Term seen_in;  ///< when it was seen first, the term of who applied it
    std::string payload;
    uint64_t digest;
  };

  std::string violation_;
  std::map<host::raft::Term, host::raft::NodeId> leaders_;
  std::vector<Committed> committed_;  ///< at index - 1
  std::map<uint64_t, std::vector<Operation>> histories_;
  size_t undecided_ = 0;
};

}  // namespace novacron::sim
