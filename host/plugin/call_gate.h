// Where the calls of a plugin wait while one instance of it gives way to another.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "host/plugin/call.h"
#include "host/plugin/service.h"

namespace novacron::host::plugin {

class Endpoint;
struct Core;

/// Closed when it is made. Once it is open, whoever still comes to it is sent on to where the plugin's route leads.
/// [any] thread.
class CallGate final : public std::enable_shared_from_this<CallGate> {
 public:
  CallGate(Core& core, std::string plugin) : core_(core), plugin_(std::move(plugin)) {}

  /// Never blocks. `service` is the one whose method was called, as the instance that gives way has it.
  /// `not_to`: an instance that takes no calls any more; null: any may have it.
  void deliver(const std::shared_ptr<Call>& call, const ServiceSpec& service, uint32_t method, const Endpoint* not_to);
  /// Sends on what waits, in the order in which it came, on threads of the host.
  void open();

 private:
  struct Waiting {
    std::shared_ptr<Call> call;
    std::string service;
    MethodSpec method;
  };
  void flush();
  void send_on(const Waiting& waiting, const Endpoint* not_to) const;

  Core& core_;
  const std::string plugin_;
  std::mutex mutex_;
  bool open_ = false;
  std::deque<Waiting> waiting_;  ///< at most kMaxQueuedCalls; the deadline of each ends it also here
};

}  // namespace novacron::host::plugin
