// Durable puts per second through the one-node engine, for several numbers of them in flight.
// Usage: state_bench [FOLDER [SECONDS for each [IN_FLIGHT]]]   →   a line of JSON for each number in flight
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "host/state/replica.h"

namespace {

using namespace novacron::host;
using namespace novacron::host::state;
using Time = std::chrono::steady_clock;

/// Keeps `width` puts in flight until the time is over.
class Load {
 public:
  Load(Engine& engine, size_t width, std::chrono::milliseconds duration)
      : engine_(engine), width_(width), end_(Time::now() + duration) {}

  void run() {
    const auto start = Time::now();
    for (size_t each = 0; each < width_; ++each) put();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return running_ == 0; });
    const double seconds = std::chrono::duration<double>(Time::now() - start).count();
    std::sort(micros_.begin(), micros_.end());
    std::printf("{\"in_flight\": %zu, \"per_s\": %.0f, \"p50_us\": %.0f, \"p99_us\": %.0f, \"failed\": %zu}\n", width_,
                static_cast<double>(micros_.size()) / seconds, micros_[micros_.size() / 2],
                micros_[micros_.size() * 99 / 100], failed_);
  }

 private:
  void put() {
    {
      std::lock_guard lock(mutex_);
      ++running_;
    }
    Txn txn;
    txn.writes.push_back(Put{"bench/" + std::to_string(next_++ % 10'000), std::string(256, 'x')});
    engine_.txn(std::move(txn), [this, start = Time::now()](Result<TxnReply> reply) { finish(start, reply.ok()); });
  }

  void finish(Time::time_point start, bool ok) {
    const auto now = Time::now();
    if (now < end_) put();
    std::lock_guard lock(mutex_);
    micros_.push_back(std::chrono::duration<double, std::micro>(now - start).count());
    if (!ok) ++failed_;
    if (--running_ == 0) done_.notify_one();
  }

  Engine& engine_;
  const size_t width_;
  const Time::time_point end_;
  std::atomic<uint64_t> next_{0};
  std::mutex mutex_;
  std::condition_variable done_;
  std::vector<double> micros_;
  size_t running_ = 0;
  size_t failed_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  const std::string folder = count > 1 ? arguments[1] : std::filesystem::temp_directory_path() / "state_bench";
  const auto duration =
      std::chrono::milliseconds(count > 2 ? static_cast<int>(std::atof(arguments[2]) * 1'000) : 2'000);
  std::filesystem::remove_all(folder);
  auto engine = Replica::open(posix_files(), system_clock(), {.folder = folder});
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.error().message.c_str());
    return 1;
  }
  if (count > 3) {
    Load(**engine, std::strtoul(arguments[3], nullptr, 10), duration).run();
  } else {
    for (size_t width : {1, 8, 64, 512}) Load(**engine, width, duration).run();
  }
  const EngineStatus status = (*engine)->status();
  std::fprintf(stderr, "revision %llu, history from %llu, %zu bytes\n",
               static_cast<unsigned long long>(status.revision), static_cast<unsigned long long>(status.compacted),
               status.bytes);
  const auto start = Time::now();
  engine->reset();
  engine = Replica::open(posix_files(), system_clock(), {.folder = folder});
  std::fprintf(stderr, "closed and opened again in %.0f ms: %s\n",
               std::chrono::duration<double, std::milli>(Time::now() - start).count(),
               engine.ok() && (*engine)->revision() == status.revision ? "complete" : "INCOMPLETE");
  engine = Error{};
  std::filesystem::remove_all(folder);
}
