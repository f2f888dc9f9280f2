// What a call into a sandbox costs: through the whole broker, to a plugin inside the host and to the same one in its
// process, beside a bare echo over a seqpacket socket to another process, with the same message. One JSON object.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "host/plugin/world_for_test.h"

namespace {

using namespace novacron::host;
using namespace novacron::host::plugin;
using novacron::host::plugin::testing::World;
using Time = std::chrono::steady_clock;

constexpr int kCalls = 4'000;
constexpr int kLargeCalls = 200;
constexpr int kWidth = 64;
constexpr double kSeconds = 1;
constexpr size_t kSmallBytes = 100;
constexpr size_t kLargeBytes = 1 << 20;

double micros_since(Time::time_point begun) {
  return std::chrono::duration<double, std::micro>(Time::now() - begun).count();
}

template <class Call>
double median_us(int calls, Call&& call) {
  for (int i = 0; i < calls / 10; ++i) call();  // to warm up
  std::vector<double> took(static_cast<size_t>(calls));
  for (double& each : took) {
    const auto begun = Time::now();
    call();
    each = micros_since(begun);
  }
  std::nth_element(took.begin(), took.begin() + calls / 2, took.end());
  return took[static_cast<size_t>(calls / 2)];
}

/// Calls a second of kWidth threads; each gets its number.
template <class Call>
double per_second(Call&& call) {
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> calls = 0;
  std::vector<std::thread> threads;
  const auto begun = Time::now();
  for (size_t i = 0; i < kWidth; ++i) {
    threads.emplace_back([&, i] {
      for (; !stop; ++calls) call(i);
    });
  }
  while (micros_since(begun) < kSeconds * 1e6) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(calls) / (micros_since(begun) / 1e6);
}

/// A process that sends back what comes, with a socket and a thread for each of kWidth conversations.
class Echo {
 public:
  Echo() {
    std::vector<int> theirs;
    for (int i = 0; i < kWidth; ++i) {
      int ends[2];
      REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
      mine_.push_back(ends[0]);
      theirs.push_back(ends[1]);
    }
    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) serve(theirs);
    for (const int fd : theirs) ::close(fd);
  }
  ~Echo() {
    for (const int fd : mine_) ::close(fd);
    ::waitpid(process_, nullptr, 0);
  }
  void call(size_t which, const std::string& text) {
    char reply[kSmallBytes * 2];
    const auto size = static_cast<ssize_t>(text.size());
    if (::send(mine_[which], text.data(), text.size(), MSG_NOSIGNAL) != size) std::abort();
    if (::recv(mine_[which], reply, sizeof(reply), 0) != size) std::abort();
  }

 private:
  [[noreturn]] void serve(const std::vector<int>& sockets) {
    for (const int fd : mine_) ::close(fd);
    std::vector<std::thread> threads;
    for (const int fd : sockets) {
      threads.emplace_back([fd] {
        char bytes[kSmallBytes * 2];
        ssize_t size = 0;
        while ((size = ::recv(fd, bytes, sizeof(bytes), 0)) > 0) {
          if (::send(fd, bytes, static_cast<size_t>(size), MSG_NOSIGNAL) != size) break;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    ::_exit(0);
  }

  std::vector<int> mine_;
  pid_t process_ = -1;
};

struct Figures {
  double one_us = 0;
  double many_per_s = 0;
  double large_us = 0;
};

Figures measure(Placement placement) {
  World world;
  world.enable_actor("r", placement);
  const std::string small = "echo " + std::string(kSmallBytes, 'x');
  const std::string large = "echo " + std::string(kLargeBytes, 'x');
  const auto call = [&](const std::string& script) {
    if (world.run("r", script).size() != script.size() - 5) std::abort();
  };
  Figures figures;
  figures.one_us = median_us(kCalls, [&] { call(small); });
  figures.large_us = median_us(kLargeCalls, [&] { call(large); });
  figures.many_per_s = per_second([&](size_t) { call(small); });
  return figures;
}

Figures measure_echo() {
  Echo echo;
  const std::string text(kSmallBytes + 5, 'x');
  Figures figures;
  figures.one_us = median_us(kCalls, [&] { echo.call(0, text); });
  figures.many_per_s = per_second([&](size_t i) { echo.call(i, text); });
  return figures;
}

}  // namespace

TEST_CASE("what a call into a sandbox costs") {
  const Figures echo = measure_echo();
  const Figures inside = measure(Placement::kInline);
  const Figures sandboxed = measure(Placement::kSandboxed);
  std::printf(
      "{\"echo_us\": %.2f, \"echo_per_s\": %.0f, \"inline_us\": %.2f, \"inline_per_s\": %.0f, \"inline_large_us\": "
      "%.1f, "
      "\"sandboxed_us\": %.2f, \"sandboxed_per_s\": %.0f, \"sandboxed_large_us\": %.1f}\n",
      echo.one_us, echo.many_per_s, inside.one_us, inside.many_per_s, inside.large_us, sandboxed.one_us,
      sandboxed.many_per_s, sandboxed.large_us);
  CHECK(sandboxed.one_us > 0);
}
