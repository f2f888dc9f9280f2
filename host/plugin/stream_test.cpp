#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "host/plugin/world_for_test.h"

using namespace novacron::host;
using namespace novacron::host::plugin;
using novacron::host::plugin::testing::Pipe;
using novacron::host::plugin::testing::World;

namespace {

size_t open_descriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

/// Who still holds one lets go of it on a thread of its own, soon.
bool comes_back_to(size_t count) {
  const uint64_t deadline_ns = system_clock().monotonic_ns() + 10'000'000'000;
  while (open_descriptors() != count && system_clock().monotonic_ns() < deadline_ns) std::this_thread::yield();
  return open_descriptors() == count;
}

std::vector<Fd> some_descriptors(size_t count) {
  std::vector<Fd> fds;
  for (size_t i = 0; i < count; ++i) fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return fds;
}

}  // namespace

TEST_CASE("a server stream brings all its messages in order, then its end, then its result") {
  World world;
  world.enable_actor("a", GENERATE(Placement::kInline, Placement::kSandboxed));
  auto call = world.open("a", "1000", "Count");
  for (int i = 0; i < 1000; ++i) {
    const auto message = call->read();
    REQUIRE(message.ok());
    REQUIRE(message->body == std::to_string(i));
  }
  CHECK(call->read().code() == Code::kOutOfRange);
  CHECK(call->wait().ok());
}

TEST_CASE("a writer is held back when nobody reads, and stopped when its caller is gone") {
  World world;
  world.enable_actor("a", GENERATE(Placement::kInline, Placement::kSandboxed));
  {
    auto call = world.open("a", "100000", "Count");
    for (int i = 0; i < 10; ++i) REQUIRE(call->read().ok());
  }
  CHECK(world.run("a", "echo free again") == "free again");
}

TEST_CASE("a client stream ends without a message of its own") {
  World world;
  world.enable_actor("a", GENERATE(Placement::kInline, Placement::kSandboxed));
  auto call = world.broker.open("test.a", "Sum", {}, {"first", {}}, world.options());
  for (int i = 0; i < 200; ++i) REQUIRE(call->write({"12345", {}}).ok());
  call->finish_writing();
  CHECK(call->write({"late", {}}).code() == Code::kFailedPrecondition);
  CHECK(World::text_of(call->wait()) == "201 1005");
}

TEST_CASE("both ends of a call may stream") {
  World world;
  world.enable_actor("a", GENERATE(Placement::kInline, Placement::kSandboxed));
  auto call = world.open("a", "unread: the request itself is no part of what chat reads", "Chat");
  for (int i = 0; i < 300; ++i) {
    REQUIRE(call->write({std::to_string(i), {}}).ok());
    REQUIRE(call->read()->body == std::to_string(i));
  }
  call->finish_writing();
  CHECK(call->wait().ok());
}

TEST_CASE("a callee that waits for its caller is woken when the call is cancelled") {
  World world;
  world.enable_actor("a", GENERATE(Placement::kInline, Placement::kSandboxed));
  auto call = world.open("a", "", "Sum");
  call->cancel();
  const auto result = call->wait();
  CHECK(result.code() == Code::kCancelled);
}

TEST_CASE("streams end with a word to come back when their plugin is disabled") {
  World world;
  world.enable_actor("a", GENERATE(Placement::kInline, Placement::kSandboxed));
  auto call = world.open("a", "100000", "Count");
  REQUIRE(call->read().ok());
  REQUIRE(world.manager->disable("actor-a").ok());
  CHECK(World::text_of(call->wait()) == "host.moved");
}

TEST_CASE("a unary call reads and writes no messages") {
  World world;
  world.enable_actor("a", GENERATE(Placement::kInline, Placement::kSandboxed));
  auto call = world.open("a", "echo x");
  CHECK(call->read().code() == Code::kFailedPrecondition);
  CHECK(call->write({"x", {}}).code() == Code::kFailedPrecondition);
  CHECK(call->wait().ok());
}

TEST_CASE("descriptors go there and back, fifteen at most") {
  World world;
  world.enable_actor("a", GENERATE(Placement::kInline, Placement::kSandboxed));
  const size_t before = open_descriptors();
  {
    auto result = world.broker.call("test.a", "Pass", {}, {"x", some_descriptors(15)}, world.options());
    REQUIRE(result.ok());
    REQUIRE(result->fds.size() == 15);
    for (const Fd& fd : result->fds) {
      struct stat status {};
      CHECK(::fstat(fd.get(), &status) == 0);
      CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
  }
  CHECK(world.broker.call("test.a", "Pass", {}, {"x", some_descriptors(16)}, world.options()).code() ==
        Code::kInvalidArgument);
  CHECK(comes_back_to(before));
}

TEST_CASE("descriptors of calls that are refused, cancelled, late or dropped are closed") {
  World world;
  world.enable_actor("a");
  const size_t before = open_descriptors();
  {
    Pipe in;
    Pipe go;
    CHECK_FALSE(world.broker.call("test.b", "Pass", {}, {"x", some_descriptors(3)}, world.options()).ok());
    auto holder = world.open("a", "gate " + in.in() + ' ' + go.out() + " echo held");
    in.get();
    auto cancelled = world.broker.open("test.a", "Pass", {}, {"x", some_descriptors(3)}, world.options());
    cancelled->cancel();
    auto late = world.broker.open("test.a", "Pass", {}, {"x", some_descriptors(3)}, world.options(1));
    CHECK(late->wait().code() == Code::kDeadlineExceeded);
    { auto dropped = world.broker.open("test.a", "Pass", {}, {"x", some_descriptors(3)}, world.options()); }
    auto unread = world.broker.open("test.a", "Pass", {}, {"x", some_descriptors(3)}, world.options());
    go.put();
    CHECK(holder->wait().ok());
    CHECK(world.run("a", "echo x") == "x");
  }
  CHECK(comes_back_to(before));
}
