#include "host/trace/scope.h"

#include <thread>

#include "host/trace/testing.h"
#include "host/trace/trace_parent.h"

using namespace novacron::host::trace;
using novacron::host::trace::testing::Recording;

TEST_CASE("without a tracer there is no scope and no part") {
  const Scope scope(nullptr, {}, "who", "what");
  CHECK(Scope::top() == nullptr);
  Part part("work");
  CHECK(part.span() == nullptr);
  CHECK(trace_parent_or("given") == "given");
}

TEST_CASE("work that nobody asked for begins a trace when something in it is traced, and not before") {
  Recording recording;
  { const Scope scope(&recording.tracer, {}, "who", "task"); }
  CHECK(recording.spans().empty());
  {
    const Scope scope(&recording.tracer, {}, "who", "task");
    const Part part("first");
    const Part inner("second");
  }
  const auto task = recording.only("who task");
  CHECK(recording.only("first").parent == task.context.span);
  CHECK(recording.only("second").parent == recording.only("first").context.span);
  CHECK(task.start_ns <= recording.only("first").start_ns);
  CHECK(recording.only("first").end_ns <= task.end_ns);
}

TEST_CASE("what is not sampled stays so below, and covers what is sampled above") {
  Recording recording;
  const Part outer({&recording.tracer, recording.tracer.new_trace()}, "outer");
  const Scope hidden(&recording.tracer, {{}, {}, Sampling::kNo});
  Part part("part");
  CHECK(part.span() == nullptr);
  CHECK(Tracer::parent_of("").sampling == Sampling::kNo);
  CHECK(recording.tracer.begin(Tracer::parent_of(""), "call") == nullptr);
}

TEST_CASE("another thread goes on where this one was") {
  Recording recording;
  {
    const Scope scope(&recording.tracer, {}, "who", "task");
    std::thread([origin = Origin::here()] { const Part part(origin, "elsewhere"); }).join();
  }
  CHECK(recording.only("elsewhere").parent == recording.only("who task").context.span);
}

TEST_CASE("a trace parent leads to the thread's own work when both are of one trace, else to itself") {
  Recording recording;
  Part work({&recording.tracer, recording.tracer.new_trace()}, "work");
  REQUIRE(work.span());
  SpanContext above = work.span()->context;
  above.span[7] ^= 1;
  CHECK(Tracer::parent_of(format_trace_parent(above)).span == work.span()->context.span);
  SpanContext other = above;
  other.trace[3] ^= 1;
  CHECK(Tracer::parent_of(format_trace_parent(other)).span == other.span);
  CHECK(Tracer::parent_of("00-not-a-parent").sampling == Sampling::kNo);
}

TEST_CASE("about so many traces are recorded as the ratio says, and every node says the same of one") {
  Recording some(0.25), all(1), none(0);
  int chosen = 0;
  for (int i = 0; i < 4'000; ++i) chosen += some.tracer.new_trace().recorded() ? 1 : 0;
  CHECK(chosen > 700);
  CHECK(chosen < 1'300);
  CHECK(all.tracer.new_trace().recorded());
  CHECK_FALSE(none.tracer.new_trace().recorded());
}
