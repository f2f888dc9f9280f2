// Events per second through the bus, published in batches to several subscribers. Usage: bus_bench [MILLIONS of events
// [SUBSCRIBERS]] Prints a line of JSON for each: subscribers, batch, subjects, published and delivered in millions a
// second, missed as a share.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

#include "host/bus/bus.h"

namespace {

using namespace novacron::host;
using namespace novacron::host::bus;
using Time = std::chrono::steady_clock;

/// Counts what comes; wait() returns when everything has.
class Counter {
 public:
  void add(const Batch& batch) {
    std::lock_guard lock(mutex_);
    seen_ += batch.events.size() + batch.missed;
    delivered_ += batch.events.size();
    changed_.notify_one();
  }
  void wait(uint64_t total) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return seen_ >= total; });
  }
  uint64_t delivered() const { return delivered_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t seen_ = 0;
  uint64_t delivered_ = 0;
};

void measure(size_t subscribers, size_t batch_size, uint64_t total, size_t subjects) {
  Bus bus(system_clock());
  Counter counter;
  for (size_t each = 0; each < subscribers; ++each)
    bus.subscribe(
        {.pattern = "bench.>", .overflow = Overflow::kDropOldest, .max_queued = kMaxQueued, .max_batch = kMaxBatch},
        {.on_events = [&](const Batch& batch) { counter.add(batch); }, .on_end = [](const Error&) {}});
  const auto body = std::make_shared<const std::string>(100, 'x');
  const auto start = Time::now();
  for (uint64_t sent = 0; sent < total;) {
    std::vector<Event> events;
    events.reserve(batch_size);
    for (size_t each = 0; each < batch_size; ++each, ++sent) {
      Event& event = events.emplace_back();
      event.subject = "bench.s" + std::to_string(sent / 16 % subjects);
      event.body = body;
    }
    if (!bus.publish(std::move(events)).ok()) std::abort();
  }
  const double published = std::chrono::duration<double>(Time::now() - start).count();
  counter.wait(total * subscribers);
  const double done = std::chrono::duration<double>(Time::now() - start).count();
  std::printf(
      "{\"subscribers\": %zu, \"batch\": %zu, \"subjects\": %zu, \"published\": %.3f, \"delivered\": %.3f, \"missed\": "
      "%.4f}\n",
      subscribers, batch_size, subjects, static_cast<double>(total) / published / 1e6,
      static_cast<double>(counter.delivered()) / done / 1e6,
      1.0 - static_cast<double>(counter.delivered()) / static_cast<double>(total * subscribers));
}

}  // namespace

int main(int count, char** arguments) {
  const uint64_t total = (count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 5) * 1'048'576;
  if (count > 2) {
    measure(std::strtoul(arguments[2], nullptr, 10), 1'024, total, 1);
    return 0;
  }
  measure(1, 1, total / 4, 1);
  measure(1, 256, total, 1);
  measure(1, 1'024, total, 1);
  measure(1, 1'024, total, 100);
  measure(4, 1'024, total, 1);
}
