#include "host/plugin/host_service.h"

#include <future>

#include "host/plugin/world_for_test.h"

using namespace novacron::host;
using namespace novacron::host::plugin;
using novacron::host::plugin::testing::World;

namespace {

/// Run and RunFast answer the script backwards; Count streams; Keep hands the call to the test.
class Backwards final : public Service {
 public:
  Backwards() {
    spec_.name = "test.a";
    spec_.methods = {{"Run", 0, 0},
                     {"RunFast", NC_METHOD_FAST, 0},
                     {"Count", NC_METHOD_SERVER_STREAM, 0},
                     {"RunBeside", 0, 0},
                     {"Sum", NC_METHOD_CLIENT_STREAM, 0}};
  }
  const ServiceSpec& spec() const override { return spec_; }
  void invoke(std::shared_ptr<ServerCall> call, uint32_t method, Message request) override {
    if (method == 3) return kept.set_value(std::move(call));
    if (method == 2) return count(*call);
    if (method == 4) return sum(*call);
    if (request.body == "forget") return;
    if (request.body == "who") return call->finish(Message{call->context()->chain.at(0)->plugin, {}});
    call->finish(Message{{request.body.rbegin(), request.body.rend()}, {}});
  }
  std::promise<std::shared_ptr<ServerCall>> kept;

 private:
  void count(ServerCall& call) {
    size_t written = 0;
    while (call.write({"x", {}}).ok()) ++written;
    call.finish(Error{Code::kResourceExhausted, std::to_string(written), "test.full"});
  }
  void sum(ServerCall& call) {
    size_t bytes = 0;
    Result<Message> message = call.read();
    for (; message.ok(); message = call.read()) bytes += message->body.size();
    call.finish(Message{std::to_string(bytes) + (message.code() == Code::kOutOfRange ? "" : " broken"), {}});
  }
  ServiceSpec spec_;
};

class Offered {
 public:
  explicit Offered(Broker& broker) : broker_(broker) { REQUIRE(broker.offer(service).ok()); }
  ~Offered() { broker_.withdraw(service); }
  Backwards service;

 private:
  Broker& broker_;
};

}  // namespace

TEST_CASE("a service of the host answers plugins and the host's own code") {
  World world;
  Offered offered(world.broker);
  world.enable_actor("b");
  CHECK(world.broker.provided("test.a"));
  CHECK(world.run("a", "abc") == "cba");
  CHECK(world.run("a", "abc", "RunFast") == "cba");
  CHECK(world.run("b", "call a 0 abc") == "cba");
  CHECK(world.run("b", "call a 1 abc") == "cba");
  CHECK(world.run("b", "async a 0 abc") == "cba");
  CHECK(world.run("b", "call a 0 who") == "actor-b");
}

TEST_CASE("a name is offered once, and gone when its service is withdrawn") {
  World world;
  {
    Offered offered(world.broker);
    Backwards other;
    CHECK(world.broker.offer(other).error().reason == "host.service-exists");
  }
  CHECK(world.run("a", "abc") == "plugin.no-provider");
}

TEST_CASE("a service that forgets to answer ends its call with an error") {
  World world;
  Offered offered(world.broker);
  CHECK(world.run("a", "forget") == "host.no-result");
}

TEST_CASE("a service writes as much as its caller may leave unread, and never blocks") {
  World world;
  Offered offered(world.broker);
  auto call = world.open("a", "", "Count");
  const auto result = call->wait();
  REQUIRE(result.code() == Code::kResourceExhausted);
  CHECK(result.error().message == std::to_string(kMaxUnreadMessages));
}

TEST_CASE("a service reads a client's stream to its end") {
  World world;
  Offered offered(world.broker);
  auto call = world.open("a", "", "Sum");
  for (int i = 0; i < 100; ++i) REQUIRE(call->write({"12345", {}}).ok());
  call->finish_writing();
  CHECK(World::text_of(call->wait()) == "500");
}

TEST_CASE("a service is told once that its caller is gone") {
  World world;
  Offered offered(world.broker);
  auto call = world.open("a", "", "RunBeside");
  const auto kept = offered.service.kept.get_future().get();
  CHECK_FALSE(kept->cancelled());
  std::promise<void> told;
  kept->on_cancel([&] { told.set_value(); });
  call = nullptr;
  told.get_future().wait();
  CHECK(kept->cancelled());
  bool at_once = false;
  kept->on_cancel([&] { at_once = true; });
  CHECK(at_once);
  kept->finish(Message{});
}

TEST_CASE("a deadline is 30 s unless the caller says otherwise, and an hour at most") {
  constexpr uint64_t kSecondNs = 1'000'000'000;
  for (const auto& [timeout_ns, expected_s] :
       {std::pair<uint64_t, uint64_t>{0, 30}, {5 * kSecondNs, 5}, {2 * kMaxTimeoutNs, 3'600}, {UINT64_MAX, 3'600}}) {
    World world;
    Offered offered(world.broker);
    const uint64_t before_ns = system_clock().monotonic_ns();
    auto call = world.broker.open("test.a", "RunBeside", {}, {}, {world.user, timeout_ns, ""});
    const auto kept = offered.service.kept.get_future().get();
    CHECK(kept->deadline_ns() >= before_ns + expected_s * kSecondNs);
    CHECK(kept->deadline_ns() <= system_clock().monotonic_ns() + expected_s * kSecondNs);
    kept->finish(Message{});
  }
}
