// For tests of recovery: sees every call and event that the plugin makes, and reports what changes something outside a
// step, since no test could end the process before and after it.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "novacron/host.h"

namespace novacron::compute::controller {

/// The log line of an effect that belongs to no step.
inline constexpr std::string_view kEffectOutside = "effect outside a step";

/// A host like the real one, but watched. One at a time in a process.
class EffectGuard {
 public:
  /// `real` outlives this.
  explicit EffectGuard(const Host& real);
  ~EffectGuard();
  EffectGuard(const EffectGuard&) = delete;
  EffectGuard& operator=(const EffectGuard&) = delete;

  Host& host() { return host_; }

 private:
  static nc_route connect(void* self, const nc_service* wanted, const nc_target* target);
  static nc_call call(void* self, nc_route route, const nc_request* request, void* ctx,
                      void (*done)(void* ctx, nc_call call, const nc_result* result));
  static nc_code publish(void* self, nc_context context, const nc_event* event);

  /// "novacron.core.v1.Resources/UpdateStatus"
  std::string method_of(nc_route route, uint32_t method);
  void check(const std::string& effect) const;

  const Host& real_;
  nc_host table_;
  Host host_;
  std::mutex mutex_;
  std::map<nc_route, const nc_service*> services_;
};

}  // namespace novacron::compute::controller
