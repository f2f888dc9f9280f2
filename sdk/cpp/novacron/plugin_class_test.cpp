// A plugin's life: configuration, start, health, hand-over, end.
#include "novacron/plugin_class.h"

#include <catch2/catch.hpp>

#include "novacron/testdata/v1/everything.nc.h"
#include "novacron/testing/host.h"

using namespace novacron::testdata::v1;
using novacron::Code;
using novacron::Error;
using novacron::Status;

namespace {

// Counts to what its configuration says; refuses "bad".
class Counter final : public novacron::Plugin {
 public:
  using Config = Scalars;

  explicit Counter(novacron::Host& host) : born_ns(host.now_ns()) {}
  Status configure(const Scalars& config) {
    if (config.f_string == "bad") return Error{.code = Code::kInvalidArgument, .message = "bad"};
    if (config.f_string == "throw") throw std::runtime_error("thrown");
    step = config.f_uint32;
    return {};
  }
  Status start() override {
    if (step == 0) return Error{.code = Code::kFailedPrecondition, .message = "no step"};
    host().post([this] { count += step; });
    host().post([this] { count += 100 * step; }, 1'000);
    return {};
  }
  Status health() override {
    if (count < 500) return {};
    return Error{.code = Code::kUnavailable, .message = std::string(1'000, 'x')};
  }
  Status quiesce(novacron::StateSink& sink) override { return sink.write(Scalars{.f_uint32 = count}); }
  Status restore(std::string_view from_version, novacron::StateSource& source) override {
    if (from_version != "1.0.0") return Plugin::restore(from_version, source);
    while (auto state = NC_TRY(source.next<Scalars>())) count += state->f_uint32;
    return {};
  }
  void stop() override { host().info("stopped", {{"count", count}}); }

  uint64_t born_ns = 0;
  uint32_t step = 0;
  uint32_t count = 0;
};

}  // namespace

TEST_CASE("a plugin that refuses its configuration, or throws, is not created", "[plugin]") {
  novacron::testing::Host host;
  const auto bad = host.load<Counter>(Scalars{.f_string = "bad"});
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().code == Code::kInvalidArgument);
  CHECK(host.load<Counter>(Scalars{.f_string = "throw"}).code() == Code::kInternal);
  CHECK(host.load<Counter>("\xFF").code() == Code::kInvalidArgument);
  CHECK(host.load<Counter>(Scalars{}).code() == Code::kFailedPrecondition);
}

TEST_CASE("a changed configuration is in force, a refused one leaves the old", "[plugin]") {
  novacron::testing::Host host;
  auto counter = host.load<Counter>(Scalars{.f_uint32 = 1});
  REQUIRE(counter.ok());
  REQUIRE(counter->control().configure(novacron::encode(Scalars{.f_uint32 = 3})).ok());
  CHECK_FALSE(counter->control().configure(novacron::encode(Scalars{.f_uint32 = 4, .f_string = "bad"})).ok());
  CHECK((*counter)->step == 3);
  CHECK((*counter)->born_ns == host.now_ns());
}

TEST_CASE("tasks run on workers, timers at their time", "[plugin]") {
  novacron::testing::Host host;
  auto counter = host.load<Counter>(Scalars{.f_uint32 = 1});
  REQUIRE(counter.ok());
  CHECK((*counter)->count == 0);
  CHECK(host.run_until_idle() == 1);
  CHECK((*counter)->count == 1);
  host.advance(999);
  CHECK(host.run_until_idle() == 0);
  host.advance(1);
  CHECK(host.run_until_idle() == 1);
  CHECK((*counter)->count == 101);
}

TEST_CASE("an ill plugin says so, in what fits", "[plugin]") {
  novacron::testing::Host host;
  auto counter = host.load<Counter>(Scalars{.f_uint32 = 1});
  REQUIRE(counter.ok());
  CHECK(counter->control().health().ok());
  (*counter)->count = 500;
  const Status ill = counter->control().health();
  CHECK(ill.code() == Code::kUnavailable);
  CHECK(ill.error().message == std::string(507, 'x'));
}

TEST_CASE("state goes from a plugin to its successor, and its timers do not", "[plugin]") {
  novacron::testing::Host host;
  auto old = host.load<Counter>(Scalars{.f_uint32 = 7});
  REQUIRE(old.ok());
  host.run_until_idle();
  auto state = old->control().quiesce();
  REQUIRE(state.ok());
  host.advance(1'000);
  CHECK(host.run_until_idle() == 0);

  auto next = host.create<Counter>(novacron::encode(Scalars{.f_uint32 = 1}), "next");
  REQUIRE(next.ok());
  CHECK(next->control().restore("0.9.0", *state).code() == Code::kFailedPrecondition);
  CHECK(next->control().restore("1.0.0", *state).ok());
  CHECK((*next)->count == 7);

  REQUIRE(old->control().resume().ok());
  CHECK(host.run_until_idle() == 1);  // it has started again
}

TEST_CASE("a plugin is told its end", "[plugin]") {
  novacron::testing::Host host;
  REQUIRE(host.load<Counter>(Scalars{.f_uint32 = 1}).ok());
  REQUIRE(host.logs().size() == 1);
  CHECK(host.logs()[0].event == "stopped");
  CHECK(host.logs()[0].fields == std::vector<std::pair<std::string, std::string>>{{"count", "0"}});
}

TEST_CASE("a task that throws is logged", "[plugin]") {
  novacron::testing::Host host;
  host.client().post([] { throw std::runtime_error("thrown"); });
  host.run_until_idle();
  REQUIRE(host.logs().size() == 1);
  CHECK(host.logs()[0].event == "a callback threw: thrown");
}

TEST_CASE("a cancelled task does not run", "[plugin]") {
  novacron::testing::Host host;
  bool has_run = false;
  const nc_timer timer = host.client().post([&] { has_run = true; }, 10);
  host.client().cancel(timer);
  host.advance(10);
  host.run_until_idle();
  CHECK_FALSE(has_run);
}

TEST_CASE("events reach who subscribed to them, until the subscription ends", "[plugin]") {
  novacron::testing::Host host;
  std::vector<std::string> seen;
  novacron::Subscription subscription = host.client().subscribe(
      {.pattern = "vm.*"}, [&](const novacron::Event& event) { seen.emplace_back(event.body); });
  REQUIRE(host.client().publish("vm.started", "1", {.revision = 4}).ok());
  REQUIRE(host.client().publish("vm.disk.added", "no", {}).ok());
  host.run_until_idle();
  REQUIRE(host.client().publish("vm.stopped", "too late", {}).ok());
  subscription.reset();
  host.run_until_idle();
  CHECK(seen == std::vector<std::string>{"1"});
  CHECK(host.events().size() == 3);
}

TEST_CASE("a subscription resumes after a revision", "[plugin]") {
  novacron::testing::Host host;
  for (const uint64_t revision : {3U, 4U, 5U}) REQUIRE(host.client().publish("vm.x", "", {.revision = revision}).ok());
  std::vector<uint64_t> seen;
  const auto subscription = host.client().subscribe(
      {.pattern = ">", .after_revision = 3}, [&](const novacron::Event& event) { seen.push_back(event.revision); });
  host.run_until_idle();
  CHECK(seen == std::vector<uint64_t>{4, 5});
}
