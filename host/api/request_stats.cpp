#include "host/api/request_stats.h"

#include <mutex>

namespace novacron::host::api {

DurationStats& RequestStats::series_of(Key key) {
  {
    std::shared_lock lock(mutex_);
    const auto found = series_.find(key);
    if (found != series_.end()) return *found->second;
  }
  std::unique_lock lock(mutex_);
  if (series_.size() >= kMaxRequestSeries && series_.count(key) == 0) key = {"other", Method::kOther, 0};
  auto& series = series_[std::move(key)];
  if (!series) series = std::make_unique<DurationStats>();
  return *series;
}

void RequestStats::record(const std::string& route, Method method, int status, uint64_t duration_ns) {
  series_of({route, method, status}).record(duration_ns);
}

void RequestStats::tell(metrics::Sink& sink) const {
  std::shared_lock lock(mutex_);
  for (const auto& [key, series] : series_) {
    const auto& [route, method, status] = key;
    sink.histogram("novacron_http_request_duration_seconds",
                   "Requests by route and outcome, from their whole arrival to their answer.", series->snapshot(),
                   {{"route", route}, {"method", std::string(to_string(method))}, {"status", std::to_string(status)}});
  }
}

}  // namespace novacron::host::api
