// Calls as spans: which there are, and below what.
#include "host/plugin/call_trace.h"

#include "host/plugin/world_for_test.h"
#include "host/trace/scope.h"
#include "host/trace/testing.h"
#include "host/trace/trace_parent.h"

using namespace novacron::host;
using novacron::host::plugin::testing::Pipe;
using novacron::host::plugin::testing::World;
using novacron::host::trace::testing::Recording;

namespace {

constexpr char kCaller[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr char kUnsampled[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

struct Traced {
  explicit Traced(double ratio = 1) : recording(ratio), world({}, &recording.tracer) {
    for (const char* letter : {"a", "b", "c"}) world.enable_actor(letter);
  }
  std::string run_for(const std::string& trace_parent, const std::string& script, const std::string& method = "Run") {
    auto context = std::make_shared<auth::Context>(*world.user);
    context->trace_parent = trace_parent;
    return World::text_of(world.broker.call("test.a", method, {}, {script, {}}, {context, 0, ""}));
  }

  Recording recording;
  World world;
};

std::string attribute(const trace::Span& span, std::string_view key) {
  for (const auto& each : span.attributes) {
    if (each.key == key && std::holds_alternative<std::string>(each.value)) return std::get<std::string>(each.value);
  }
  return "";
}

}  // namespace

TEST_CASE("calls on behalf of a caller are spans below each other, in the caller's trace") {
  Traced traced;
  REQUIRE(traced.run_for(kCaller, "behalf b 0 behalf c 0 echo x") == "x");
  const auto a = traced.recording.only("test.a/Run");
  const auto b = traced.recording.only("test.b/Run");
  const auto c = traced.recording.only("test.c/Run");
  CHECK(trace::hex(a.context.trace.data(), 16) == "0af7651916cd43dd8448eb211c80319c");
  CHECK(trace::hex(a.parent.data(), 8) == "b7ad6b7169203331");
  CHECK(b.context.trace == a.context.trace);
  CHECK(c.context.trace == a.context.trace);
  CHECK(b.parent == a.context.span);
  CHECK(c.parent == b.context.span);
  CHECK(a.start_ns <= b.start_ns);
  CHECK(b.start_ns <= c.start_ns);
  CHECK(c.end_ns <= b.end_ns);
  CHECK(b.end_ns <= a.end_ns);
  CHECK(attribute(a, "novacron.caller") == "host");
  CHECK(attribute(b, "novacron.caller") == "actor-a");
  CHECK(attribute(b, "novacron.callee") == "actor-b");
}

TEST_CASE("what a plugin does by itself for a call is below that call") {
  Traced traced;
  REQUIRE(traced.run_for(kCaller, "call b 0 echo x") == "x");
  CHECK(traced.recording.only("test.b/Run").parent == traced.recording.only("test.a/Run").context.span);
}

TEST_CASE("a FAST call on the caller's thread is below its caller too") {
  Traced traced;
  REQUIRE(traced.run_for(kCaller, "call b 1 echo x") == "x");
  CHECK(traced.recording.only("test.b/RunFast").parent == traced.recording.only("test.a/Run").context.span);
}

TEST_CASE("a call from a completion is beside the completed one, not below it") {
  Traced traced;
  REQUIRE(traced.run_for(kCaller, "async b 0 async c 0 echo x") == "x");
  CHECK(traced.recording.only("test.c/Run").parent == traced.recording.only("test.b/Run").context.span);
  CHECK(traced.recording.only("test.b/Run").parent == traced.recording.only("test.a/Run").context.span);
}

TEST_CASE("what a plugin does because of an event is a trace of its own, with a span for the event") {
  Pipe seen;  // outlives the plugins that write to it
  Traced traced;
  REQUIRE(traced.world.run("a", "on test.x " + seen.in() + " call b 0 echo x") != "0");
  REQUIRE(traced.world.run("c", "publish test.x") == "0");
  REQUIRE(seen.get() == 0);
  const auto events = traced.recording.wait_for("actor-a events");
  const auto call = traced.recording.only("test.b/Run");
  CHECK(call.parent == events.context.span);
  CHECK(events.parent == trace::SpanId{});
  CHECK(events.start_ns <= call.start_ns);
}

TEST_CASE("a failed call says why, in programs' words alone") {
  Traced traced;
  REQUIRE(traced.run_for(kCaller, "fail 5") == "plugin.refused");
  const auto refused = traced.recording.only("test.a/Run");
  CHECK(refused.failed);
  CHECK(refused.reason == "plugin.refused");
  CHECK(attribute(refused, "rpc.status") == "NOT_FOUND");
}

TEST_CASE("a call that nobody could take is a span as well") {
  Traced traced;
  REQUIRE(traced.world.manager->disable("actor-b").ok());
  REQUIRE(traced.run_for(kCaller, "call b 0 echo x") == "plugin.no-provider");
  CHECK(traced.recording.only("test.b/Run").reason == "plugin.no-provider");
}

TEST_CASE("nothing is recorded below a caller who does not sample, nor where chance says no") {
  Traced traced;
  REQUIRE(traced.run_for(kUnsampled, "call b 0 async c 0 echo x") == "x");
  CHECK(traced.recording.spans().empty());
  Traced never(0);
  REQUIRE(never.run_for("", "call b 0 async c 0 echo x") == "x");
  CHECK(never.recording.spans().empty());
  REQUIRE(never.run_for(kCaller, "echo x") == "x");
  CHECK(never.recording.spans().size() == 1);
}

TEST_CASE("a stream's span ends with the stream") {
  Traced traced;
  auto chat = traced.world.open("a", "", "Chat");
  CHECK(traced.recording.count("test.a/Chat") == 0);
  chat->finish_writing();
  while (chat->read().ok()) {
  }
  (void)chat->wait();
  CHECK(traced.recording.count("test.a/Chat") == 1);
}
