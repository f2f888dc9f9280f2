#include "host/metrics/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <map>

namespace novacron::host::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr double kNsPerSecond = 1e9;

/// By name, so that a scrape is the same twice.
class Families final : public Sink {
 public:
  void counter(std::string_view name, std::string_view help, double value, Labels labels) override {
    add(name, help, MetricType::Counter, std::move(labels)).counter.value = value;
  }
  void gauge(std::string_view name, std::string_view help, double value, Labels labels) override {
    add(name, help, MetricType::Gauge, std::move(labels)).gauge.value = value;
  }
  void histogram(std::string_view name, std::string_view help, const DurationStats::Snapshot& value,
                 Labels labels) override {
    auto& histogram = add(name, help, MetricType::Histogram, std::move(labels)).histogram;
    histogram.sample_count = value.count();
    histogram.sample_sum = static_cast<double>(value.sum_ns) / kNsPerSecond;
    uint64_t below = 0;
    for (size_t i = 0; i < DurationStats::kBoundsNs.size(); ++i) {
      below += value.buckets[i];
      histogram.bucket.push_back({below, static_cast<double>(DurationStats::kBoundsNs[i]) / kNsPerSecond});
    }
  }

  std::string text() const {
    std::vector<MetricFamily> all;
    for (const auto& [name, family] : families_) all.push_back(family);
    return prometheus::TextSerializer().Serialize(all);
  }

 private:
  ClientMetric& add(std::string_view name, std::string_view help, MetricType type, Labels labels) {
    auto& family = families_[std::string(name)];
    if (family.name.empty()) {
      family.name = name;
      family.help = help;
      family.type = type;
    }
    auto& metric = family.metric.emplace_back();
    for (auto& [label, value] : labels) metric.label.push_back({std::move(label), std::move(value)});
    return metric;
  }

  std::map<std::string, MetricFamily> families_;
};

}  // namespace

void Metrics::add(Source source) {
  std::lock_guard lock(mutex_);
  sources_.push_back(std::move(source));
}

std::string Metrics::text() const {
  std::vector<Source> sources;
  {
    std::lock_guard lock(mutex_);
    sources = sources_;
  }
  Families families;
  for (const auto& source : sources) source(families);
  return families.text();
}

}  // namespace novacron::host::metrics
