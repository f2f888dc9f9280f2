// Tells the bus what happens to objects: "resource.<kind>.put" when one is created or changed,
// "resource.<kind>.deleted" when it is gone, with the kind's name in lower case, for example "resource.node.put". The
// body is
// {"kind":"novacron.core/Node","tenant":"","name":"n1"}, the event carries the object's tenant and the revision of the
// change. Events are for who wants to know that something happened; who must not miss anything watches resources.
#pragma once

#include <memory>

namespace novacron::host::bus {
class Bus;
}
namespace novacron::host::state {
class Engine;
}

namespace novacron::host::daemon {

/// From its making on until its end. Both outlive it.
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
