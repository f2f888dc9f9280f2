// A service of the host as a callee.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/plugin/crew.h"
#include "host/plugin/endpoint.h"

namespace novacron::host::plugin {

struct Core;

constexpr size_t kMaxServiceWorkers = 64;  ///< threads in one service

/// [any] thread.
class HostEndpoint final : public Endpoint, public std::enable_shared_from_this<HostEndpoint> {
 public:
  HostEndpoint(Core& core, Service& service);

  const std::string& plugin() const override { return plugin_; }
  const std::vector<ServiceSpec>& services() const override { return services_; }
  std::shared_ptr<Breaker> breaker(uint32_t) const override { return nullptr; }
  void deliver(const std::shared_ptr<Call>& call, uint32_t service, uint32_t method) override;

  bool serves(const Service& service) const { return &service_ == &service; }
  /// Refuses calls from now on, and waits until no invoke() runs.
  void close();

 private:
  bool enter();
  void leave();
  void run(const std::shared_ptr<Call>& call, uint32_t method);

  Core& core_;
  Service& service_;
  const std::string plugin_;  ///< "": the host
  const std::vector<ServiceSpec> services_;
  std::shared_ptr<Crew> crew_;
  std::mutex mutex_;
  std::condition_variable left_;
  size_t inside_ = 0;
  bool closed_ = false;
};

}  // namespace novacron::host::plugin
