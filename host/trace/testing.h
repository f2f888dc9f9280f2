// A tracer whose spans a test reads.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "host/trace/tracer.h"

namespace novacron::host::trace::testing {

class Recording {
 public:
  explicit Recording(double ratio = 1)
      : tracer({.ratio = ratio, .record = [this](Span span) { add(std::move(span)); }}) {}

  std::vector<Span> spans() const {
    const std::lock_guard lock(mutex_);
    return spans_;
  }
  size_t count(const std::string& name) const {
    const auto all = spans();
    return static_cast<size_t>(std::count_if(all.begin(), all.end(), [&](const Span& s) { return s.name == name; }));
  }
  Span only(const std::string& name) const {
    INFO(name);
    REQUIRE(count(name) == 1);
    const auto all = spans();
    return *std::find_if(all.begin(), all.end(), [&](const Span& span) { return span.name == name; });
  }
  /// Waits, bounded, until there is one.
  Span wait_for(const std::string& name) {
    std::unique_lock lock(mutex_);
    const auto named = [&](const Span& span) { return span.name == name; };
    INFO(name);
    REQUIRE(added_.wait_for(lock, std::chrono::seconds(20),
                            [&] { return std::any_of(spans_.begin(), spans_.end(), named); }));
    return *std::find_if(spans_.begin(), spans_.end(), named);
  }

 private:
  void add(Span span) {
    const std::lock_guard lock(mutex_);
    spans_.push_back(std::move(span));
    added_.notify_all();
  }
  mutable std::mutex mutex_;
  std::condition_variable added_;
  std::vector<Span> spans_;

 public:
  Tracer tracer;  ///< after what it records into
};

}  // namespace novacron::host::trace::testing
