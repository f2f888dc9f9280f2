// Sends spans to a collector: in batches, again when it is busy, and never at the cost of those who are traced.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/base/clock.h"
#include "host/trace/otlp.h"
#include "host/trace/span.h"

namespace novacron::host::trace {

/// What came of one request. `status` 0: no answer, `why` says what happened.
struct Reply {
  unsigned status = 0;
  std::string body = {};
  uint64_t retry_after_ns = 0;  ///< 0: not said
  std::string why = {};
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Blocks for some seconds at most.
  virtual Reply post(const std::string& body) = 0;
  /// [any] The process ends: what runs and what follows takes two seconds at most.
  virtual void hurry() = 0;
};

/// By OTLP: no answer, 429, 502, 503 and 504 are worth another attempt, all else is not.
bool is_retryable(const Reply& reply);
/// How long to wait after the `attempt`th (from 1): what the collector said, else doubled each time, less up to a half
/// of it by `chance` (0 to 1) so that not all come back at once.
uint64_t retry_delay_ns(unsigned attempt, const Reply& reply, double chance);

/// [any] thread, but for the destructor.
class Exporter final {
 public:
  struct Options {
    Source source;
    const Clock* clock = &system_clock();
    size_t max_queued = 2'048;  ///< spans; more are dropped
    size_t max_batch = 512;     ///< spans of one request; sent at once when there are so many
    uint64_t delay_ms = 2'000;  ///< that spans wait for others
    unsigned max_attempts = 8;  ///< of one batch: about two minutes
    double retry_unit = 1;      ///< what delays are multiplied with: tests lower it
  };
  struct Stats {
    uint64_t sent = 0;
    uint64_t dropped_full = 0;      ///< no room in the queue
    uint64_t dropped_unsent = 0;    ///< given up
    uint64_t dropped_rejected = 0;  ///< the collector did not want them
    uint64_t requests_failed = 0;
    size_t queued = 0;
  };

  Exporter(Options options, std::unique_ptr<Transport> transport);
  /// stop()
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  void add(Span span);
  /// Sends once what there is, and takes nothing any more. Idempotent; from one thread.
  void stop();
  Stats stats() const;

 private:
  void run();
  std::vector<Span> next_batch(std::unique_lock<std::mutex>& lock);
  void send(const std::vector<Span>& batch);
  Reply deliver(const std::string& body);
  /// False: it stops meanwhile.
  bool wait(uint64_t ns);
  int64_t offset_ns();
  void note(uint64_t Stats::*counter, uint64_t count);

  const Options options_;
  const std::unique_ptr<Transport> transport_;
  int64_t last_offset_ns_ = 0;  ///< the thread's
  bool well_ = true;            ///< likewise: the last batch was sent
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Span> queue_;
  Stats stats_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace novacron::host::trace
