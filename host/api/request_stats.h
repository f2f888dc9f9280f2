// How often each route of the API was asked for, with what outcome, and how long the answers took.
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <tuple>

#include "host/api/http.h"
#include "host/metrics/metrics.h"

namespace novacron::host::api {

inline constexpr size_t kMaxRequestSeries = 2'048;  ///< routes, methods and outcomes; more count as the route "other"

/// [any] thread.
class RequestStats {
 public:
  /// `route`: as describe() of router.h gives it.
  void record(const std::string& route, Method method, int status, uint64_t duration_ns);
  void tell(metrics::Sink& sink) const;

 private:
  using Key = std::tuple<std::string, Method, int>;
  DurationStats& series_of(Key key);

  mutable std::shared_mutex mutex_;
  std::map<Key, std::unique_ptr<DurationStats>> series_;
};

}  // namespace novacron::host::api
