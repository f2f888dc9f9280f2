// What the host tells a Prometheus server about itself.
//
// Nothing is pushed: whoever counts something keeps its own counters, and a source reads them when somebody asks.
#pragma once

#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/duration_stats.h"

namespace novacron::host::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// Takes values. Those of one name share one help text, the first that was given.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Only grows while the process lives; its name ends with "_total".
  virtual void counter(std::string_view name, std::string_view help, double value, Labels labels = {}) = 0;
  virtual void gauge(std::string_view name, std::string_view help, double value, Labels labels = {}) = 0;
  /// In seconds; its name ends with "_seconds".
  virtual void histogram(std::string_view name, std::string_view help, const DurationStats::Snapshot& value,
                         Labels labels = {}) = 0;
};

/// [any] thread.
class Metrics {
 public:
  /// Gives what it knows as of now; quick, and on any thread.
  using Source = std::function<void(Sink&)>;

  /// What the source refers to outlives the metrics.
  void add(Source source);
  /// All that the sources tell, in Prometheus' text format 0.0.4.
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Source> sources_;
};

/// Memory, processor time, threads and descriptors of this process, under Prometheus' own names.
void tell_process(Sink& sink);

}  // namespace novacron::host::metrics
