// Where calls end up: the one seam between a route and whatever answers behind it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/plugin/service.h"

namespace novacron::host::plugin {

class Breaker;
class Call;

/// A provider of services: an instance of a plugin in this process, or the host itself. What runs elsewhere (a sandbox,
/// another node) becomes reachable by one more implementation of this.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  /// The plugin's id; "" for the host.
  virtual const std::string& plugin() const = 0;
  /// Constant while the endpoint lives.
  virtual const std::vector<ServiceSpec>& services() const = 0;
  /// Of one of its services; null: it needs none. Constant too.
  virtual std::shared_ptr<Breaker> breaker(uint32_t service) const = 0;
  /// [any] thread, never blocks; a refusal is the call's result. `service` and `method` are indices into services().
  virtual void deliver(const std::shared_ptr<Call>& call, uint32_t service, uint32_t method) = 0;
};

}  // namespace novacron::host::plugin
