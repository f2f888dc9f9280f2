// What the parts of the broker share.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/base/timer_queue.h"
#include "host/plugin/abandoned.h"
#include "host/plugin/broker.h"
#include "host/plugin/crew.h"
#include "host/plugin/routes.h"
#include "host/plugin/wait_graph.h"

namespace novacron::host::plugin {

class HostEndpoint;
class Instance;

/// `deadline_ns`, or the default where it is 0, and never beyond kMaxTimeoutNs.
uint64_t effective_deadline_ns(uint64_t now_ns, uint64_t deadline_ns, uint64_t default_timeout_ns);

/// One a broker. Instances that were abandoned keep it alive to the end of the process.
struct Core {
  explicit Core(Broker::Options given);
  ~Core();

  uint64_t now_ns() const { return options.clock->monotonic_ns(); }

  const Broker::Options options;
  const LocalNodes nodes;
  TimerQueue timers;
  WaitGraph graph;
  RouteTable routes;
  Abandoned abandoned;
  std::atomic<uint64_t> last_sequence = 0;
  std::shared_ptr<Crew> completions;  ///< runs what host code gave to call_async()

  std::mutex mutex;
  std::vector<std::shared_ptr<HostEndpoint>> services;
  std::vector<std::weak_ptr<Instance>> instances;
};

}  // namespace novacron::host::plugin
