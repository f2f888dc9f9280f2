// The broker carries every call: between plugins, from a plugin to the host, and from the host to a plugin.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/clock.h"
#include "host/base/random.h"
#include "host/base/worker_pool.h"
#include "host/plugin/service.h"

namespace novacron::host::bus {
class Bus;
}

namespace novacron::host::trace {
class Tracer;
}

namespace novacron::host::plugin {

struct Core;

constexpr uint64_t kDefaultTimeoutNs = 30'000'000'000;
constexpr uint64_t kMaxTimeoutNs = 3'600'000'000'000;   ///< a longer deadline is shortened to it
constexpr size_t kMaxMessageBytes = 4 * 1'024 * 1'024;  ///< of one message's body
constexpr size_t kMaxUnreadMessages = 64;               ///< of one direction of a stream
constexpr size_t kMaxUnreadBytes = 8 * 1'024 * 1'024;   ///< likewise, unless one message alone is larger
constexpr size_t kMaxQueuedCalls = 1'024;               ///< a plugin's; more are refused: "plugin.queue-full"
constexpr size_t kMaxChain = 32;                        ///< plugins that a call may have come through

/// [any] thread, except where Caller says otherwise.
class Broker final : public Caller {
 public:
  struct Options {
    std::string node;                           ///< this node's name
    std::vector<std::string> other_nodes = {};  ///< whose calls it answers as well: a fleet that is played
    WorkerPool* pool = nullptr;                 ///< never null; outlives the broker
    bus::Bus* bus = nullptr;                    ///< never null; outlives the broker
    const Clock* clock = &system_clock();
    Random* random = &system_random();
    trace::Tracer* tracer = nullptr;  ///< outlives the broker; null: nothing is traced
  };

  explicit Broker(Options options);
  /// Services and plugins must be gone. Calls under way end with UNAVAILABLE "host.stopping".
  ~Broker() override;
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  /// Makes a service of the host callable under its name. ALREADY_EXISTS "host.service-exists". It must stay until it
  /// is withdrawn.
  Status offer(Service& service);
  /// Waits until no invoke() of it runs.
  void withdraw(Service& service);
  /// Whether anybody provides the service now.
  bool provided(std::string_view service) const;

  /// The plugins in which a thread of the host hangs that was given up on, a name for each.
  std::vector<std::string> abandoned() const;

  /// Makes every context stale that a plugin holds on behalf of `principal`; how many there were.
  size_t revoke_contexts(std::string_view principal);

  Result<Message> call(std::string_view service, std::string_view method, const Target& target, Message request,
                       const CallOptions& options) override;
  std::unique_ptr<ClientCall> open(std::string_view service, std::string_view method, const Target& target,
                                   Message request, const CallOptions& options) override;
  void call_async(std::string_view service, std::string_view method, const Target& target, Message request,
                  const CallOptions& options, std::function<void(Result<Message>)> done) override;

  /// For the parts of this folder.
  const std::shared_ptr<Core>& core() { return core_; }

 private:
  std::shared_ptr<Core> core_;  ///< shared with abandoned instances
};

}  // namespace novacron::host::plugin
