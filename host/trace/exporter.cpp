#include "host/trace/exporter.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "host/base/log.h"
#include "host/base/random.h"

namespace novacron::host::trace {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kFirstDelayNs = 1'000 * kNsPerMs;
constexpr uint64_t kLongestDelayNs = 30'000 * kNsPerMs;
constexpr uint64_t kLongestRetryAfterNs = 300'000 * kNsPerMs;
constexpr int64_t kClockStepNs =
    1'000'000;  ///< the clocks are read one after the other, so they always differ a little

double random_chance() {
  uint32_t random = 0;
  system_random().fill(&random, sizeof random);
  return random / 4'294'967'296.0;
}

}  // namespace

bool is_retryable(const Reply& reply) {
  return reply.status == 0 || reply.status == 429 || (reply.status >= 502 && reply.status <= 504);
}

uint64_t retry_delay_ns(unsigned attempt, const Reply& reply, double chance) {
  if (reply.retry_after_ns > 0) return std::min(reply.retry_after_ns, kLongestRetryAfterNs);
  const unsigned doublings = std::min(attempt - 1, 16U);
  const uint64_t longest_ns = std::min(kFirstDelayNs << doublings, kLongestDelayNs);
  return longest_ns - static_cast<uint64_t>(static_cast<double>(longest_ns) * chance / 2);
}

Exporter::Exporter(Options options, std::unique_ptr<Transport> transport)
    : options_(std::move(options)), transport_(std::move(transport)), thread_([this] { run(); }) {}

Exporter::~Exporter() {
  stop();
}

void Exporter::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  transport_->hurry();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Exporter::add(Span span) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= options_.max_queued) {
      ++stats_.dropped_full;
      return;
    }
    queue_.push_back(std::move(span));
    wake = queue_.size() == 1 || queue_.size() == options_.max_batch;
  }
  if (wake) changed_.notify_all();
}

Exporter::Stats Exporter::stats() const {
  const std::lock_guard lock(mutex_);
  Stats stats = stats_;
  stats.queued = queue_.size();
  return stats;
}

void Exporter::run() {
  while (true) {
    std::vector<Span> batch;
    {
      std::unique_lock lock(mutex_);
      batch = next_batch(lock);
    }
    if (batch.empty()) return;
    send(batch);
  }
}

/// None: the end.
std::vector<Span> Exporter::next_batch(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  changed_.wait_for(lock, std::chrono::milliseconds(options_.delay_ms),
                    [this] { return stopping_ || queue_.size() >= options_.max_batch; });
  const auto size = static_cast<ptrdiff_t>(std::min(queue_.size(), options_.max_batch));
  std::vector<Span> batch(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.begin() + size));
  queue_.erase(queue_.begin(), queue_.begin() + size);
  return batch;
}

void Exporter::send(const std::vector<Span>& batch) {
  const Reply reply = deliver(to_otlp(options_.source, batch, offset_ns()));
  if (reply.status >= 200 && reply.status < 300) {
    const uint64_t rejected = std::min<uint64_t>(rejected_spans(reply.body), batch.size());
    note(&Stats::dropped_rejected, rejected);
    note(&Stats::sent, batch.size() - rejected);
    if (!std::exchange(well_, true)) log_info("traces", "spans are sent again");
    return;
  }
  note(&Stats::dropped_unsent, batch.size());
  if (!std::exchange(well_, false)) return;
  log_warn("traces", "spans not sent", {{"spans", batch.size()}, {"status", reply.status}, {"why", reply.why}});
}

/// The last answer, after as many attempts as are due.
Reply Exporter::deliver(const std::string& body) {
  for (unsigned attempt = 1;; ++attempt) {
    Reply reply = transport_->post(body);
    if (reply.status >= 200 && reply.status < 300) return reply;
    note(&Stats::requests_failed, 1);
    if (!is_retryable(reply) || attempt >= options_.max_attempts) return reply;
    const auto delay_ns = static_cast<double>(retry_delay_ns(attempt, reply, random_chance()));
    if (!wait(static_cast<uint64_t>(delay_ns * options_.retry_unit))) return reply;
  }
}

bool Exporter::wait(uint64_t ns) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, std::chrono::nanoseconds(ns), [this] { return stopping_; });
}

/// The same as long as nobody sets the machine's clock, so that spans of several requests nest exactly.
int64_t Exporter::offset_ns() {
  const auto real_ns = static_cast<int64_t>(options_.clock->real_ns());
  const int64_t offset = real_ns - static_cast<int64_t>(options_.clock->monotonic_ns());
  if (std::abs(offset - last_offset_ns_) > kClockStepNs) last_offset_ns_ = offset;
  return last_offset_ns_;
}

void Exporter::note(uint64_t Stats::*counter, uint64_t count) {
  const std::lock_guard lock(mutex_);
  stats_.*counter += count;
}

}  // namespace novacron::host::trace
