#include "tests/sim/raft/network.h"

namespace novacron::sim {

using host::raft::Message;
using host::raft::NodeId;

uint64_t Network::delay_us() {
  if (random_.chance(faults_.slow_message)) return random_.between(1'000, 1'000'000);
  return random_.between(50, faults_.delay_us);
}

void Network::send(const Message& message) {
  if (cut_.contains({message.from, message.to})) return;
  for (int copies = random_.chance(faults_.duplicate) ? 2 : 1; copies > 0; --copies) {
    if (!reaches()) continue;
    schedule_.after(delay_us(), [this, message] {
      if (!cut_.contains({message.from, message.to})) deliver_(message);
    });
  }
}

void Network::cut(const std::set<NodeId>& inside, const std::vector<NodeId>& nodes) {
  const bool both_ways = !faults_.cuts_one_way || random_.chance(0.5);
  for (const NodeId from : nodes) {
    for (const NodeId to : nodes) {
      if (inside.contains(from) && !inside.contains(to)) cut_.insert({from, to});
      if (both_ways && !inside.contains(from) && inside.contains(to)) cut_.insert({from, to});
    }
  }
}

}  // namespace novacron::sim
