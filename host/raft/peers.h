// The way to other nodes, as those see it who have something to say to them.
#pragma once

#include <functional>
#include <string>

#include "host/raft/types.h"

namespace novacron::host::raft {

/// What must not wait behind bytes goes by the first.
enum class Lane : uint8_t { kControl = 0, kBulk = 1 };

/// [any] thread. A frame may be lost, come late or twice; whoever sends it does not wait and is not told.
class Peers {
 public:
  /// On a thread of the peers', which it must not hold up. `from` was proven.
  using Receive = std::function<void(NodeId from, std::string frame)>;

  virtual ~Peers() = default;
  /// Frames come from here until stop() has returned.
  virtual void start(Receive receive) = 0;
  virtual void stop() = 0;
  virtual void send(NodeId to, Lane lane, std::string frame) = 0;
};

}  // namespace novacron::host::raft
