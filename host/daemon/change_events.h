// Tells the bus what happens to objects: "resource.<kind>.put" when one is created or changed,
// "resource.<kind>.deleted" when it is gone, with the kind's name in lower case, for example "resource.node.put". The
// body is
// {"kind":"novacron.core/Node","tenant":"","name":"n1"}, the event carries the object's tenant, the revision
// of the change and its time. Events are for who wants to know that something happened; who must not miss anything
// watches resources.
//
// They follow from the history of the state alone. So a new run of the host tells the bus the last of them again before
// anybody listens, and who resumes behind a position in the state misses none.
#pragma once

#include <cstdint>
#include <memory>

namespace novacron::host::bus {
class Bus;
}
namespace novacron::host::state {
class Engine;
}

namespace novacron::host::daemon {

inline constexpr uint64_t kToldAgainRevisions = 10'000;  ///< of the last run, at most

/// From its making on until its end; when it is made, the bus has what is told again. Both outlive it.
class ChangeEvents {
 public:
  ChangeEvents(state::Engine& engine, bus::Bus& bus);
  ~ChangeEvents();
  ChangeEvents(const ChangeEvents&) = delete;
  ChangeEvents& operator=(const ChangeEvents&) = delete;

 private:
  class Follower;
  std::shared_ptr<Follower> follower_;  ///< shared with the engine's callbacks
};

}  // namespace novacron::host::daemon
