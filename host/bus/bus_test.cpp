#include "host/bus/bus.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::bus;

namespace {

class FixedClock final : public Clock {
 public:
  uint64_t monotonic_ns() const override { return 1; }
  uint64_t real_ns() const override { return 7'000'000; }
};

/// Runs work at once, on the publisher's thread.
Status inline_executor(std::function<void()> work) {
  work();
  return {};
}

/// Takes work when it is told to, and runs it when it is told to.
class ManualExecutor {
 public:
  Executor executor() {
    return [this](std::function<void()> work) -> Status {
      std::unique_lock lock(mutex_);
      if (full) return Error{Code::kResourceExhausted, "full"};
      if (inline_) {
        lock.unlock();
        return inline_executor(std::move(work));
      }
      work_.push_back(std::move(work));
      taken_.notify_all();
      return {};
    };
  }
  bool run_one() {
    std::unique_lock lock(mutex_);
    if (work_.empty()) return false;
    auto work = std::move(work_.front());
    work_.erase(work_.begin());
    lock.unlock();
    work();
    return true;
  }
  void run_all() {
    while (run_one()) {
    }
  }
  /// From now on it runs work at once: the bus ends only when its executors do their part.
  void run_rest() {
    {
      std::lock_guard lock(mutex_);
      inline_ = true;
    }
    run_all();
  }
  void wait_for_work() {
    std::unique_lock lock(mutex_);
    REQUIRE(taken_.wait_for(lock, std::chrono::seconds(10), [this] { return !work_.empty(); }));
  }
  std::atomic<bool> full{false};

 private:
  std::mutex mutex_;
  std::condition_variable taken_;
  std::vector<std::function<void()>> work_;
  bool inline_ = false;
};

/// Declared behind the bus, so that it goes first.
struct RunRest {
  ManualExecutor& threads;
  ~RunRest() { threads.run_rest(); }
};

/// What came.
struct Recorder {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> subjects;
  std::vector<uint64_t> sequences;
  std::vector<uint64_t> missed;  ///< by batch
  std::vector<Error> ends;

  Callbacks callbacks() {
    return {.on_events =
                [this](const Batch& batch) {
                  std::lock_guard lock(mutex);
                  missed.push_back(batch.missed);
                  for (const EventPtr& event : batch.events) {
                    subjects.push_back(event->subject);
                    sequences.push_back(event->sequence);
                  }
                  changed.notify_all();
                },
            .on_end =
                [this](Error why) {
                  std::lock_guard lock(mutex);
                  ends.push_back(std::move(why));
                  changed.notify_all();
                }};
  }
  void wait_for(size_t events) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return subjects.size() >= events; }));
  }
};

std::vector<Event> numbered(int first, int last) {
  std::vector<Event> events;
  for (int each = first; each <= last; ++each) events.push_back({.subject = "n." + std::to_string(each)});
  return events;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("an event that is not well formed takes its whole batch with it") {
  FixedClock clock;
  Recorder all;
  Bus bus(clock);
  bus.subscribe({.pattern = ">", .executor = inline_executor}, all.callbacks());
  auto events = numbered(1, 2);
  events.push_back({.subject = "bad subject"});
  CHECK(bus.publish(std::move(events)).error().reason == "bus.subject");
  Event big{.subject = "a", .body = std::make_shared<const std::string>(kMaxEventBytes + 1, 'x')};
  CHECK(bus.publish(std::move(big)).error().reason == "bus.event");
  CHECK(bus.publish(Event{.subject = "a", .tenant = std::string(kMaxTenantBytes + 1, 'x')}).error().reason ==
        "bus.event");
  CHECK(bus.publish(std::vector<Event>(kMaxPublishedAtOnce + 1, Event{.subject = "a"})).error().reason == "bus.event");
  CHECK(all.subjects.empty());
  CHECK(bus.stats().published == 0);
}

TEST_CASE("a refused subscription ends once, with the reason") {
  FixedClock clock;
  Recorder refused;
  {
    Bus bus(clock);
    bus.subscribe({.pattern = "a..b", .executor = inline_executor}, refused.callbacks());
  }
  REQUIRE(refused.ends.size() == 1);
  CHECK(refused.ends[0].reason == "bus.pattern");
  CHECK(refused.subjects.empty());
}

TEST_CASE("the number of subscriptions is bounded") {
  FixedClock clock;
  Recorder many;
  Recorder last;
  Bus bus(clock);
  for (size_t each = 0; each < kMaxSubscriptions; ++each)
    bus.subscribe({.pattern = "a", .executor = inline_executor}, many.callbacks());
  bus.subscribe({.pattern = "a", .executor = inline_executor}, last.callbacks());
  REQUIRE(last.ends.size() == 1);
  CHECK(last.ends[0].reason == "bus.subscriptions");
  CHECK(many.ends.empty());
}

TEST_CASE("events come in order, by pattern and tenant") {
  FixedClock clock;
  Recorder tokens, tail, blue, host;
  Bus bus(clock);
  bus.subscribe({.pattern = "a.*", .executor = inline_executor}, tokens.callbacks());
  bus.subscribe({.pattern = "a.>", .executor = inline_executor}, tail.callbacks());
  bus.subscribe({.pattern = ">", .tenant = "blue", .executor = inline_executor}, blue.callbacks());
  bus.subscribe({.pattern = ">", .tenant = "", .executor = inline_executor}, host.callbacks());
  std::vector<Event> events;
  events.push_back({.subject = "a.b"});
  events.push_back({.subject = "a.b.c", .tenant = "blue"});
  events.push_back({.subject = "b.b", .tenant = "red"});
  REQUIRE(bus.publish(std::move(events)));
  CHECK(tokens.subjects == Strings{"a.b"});
  CHECK(tail.subjects == Strings{"a.b", "a.b.c"});
  CHECK(blue.subjects == Strings{"a.b.c"});
  CHECK(host.subjects == Strings{"a.b"});
}

TEST_CASE("the bus gives each event a sequence and, without one, a time") {
  FixedClock clock;
  Bus bus(clock);
  std::vector<EventPtr> events;
  bus.subscribe(
      {.pattern = ">", .executor = inline_executor},
      {.on_events = [&](const Batch& batch) { events.insert(events.end(), batch.events.begin(), batch.events.end()); },
       .on_end = [](const Error&) {}});
  REQUIRE(bus.publish(Event{.subject = "a"}));
  REQUIRE(bus.publish(Event{.subject = "a", .revision = 5, .time_ns = 9}));
  REQUIRE(events.size() == 2);
  CHECK(events[0]->time_ns == clock.real_ns());
  CHECK(events[1]->time_ns == 9);
  CHECK(events[1]->revision == 5);
  CHECK(events[1]->sequence == events[0]->sequence + 1);
}

TEST_CASE("a batch is no bigger than asked, and one subscriber's batches do not overlap") {
  FixedClock clock;
  ManualExecutor threads;
  std::vector<size_t> sizes;
  Bus bus(clock);
  const RunRest rest{threads};
  bus.subscribe(
      {.pattern = ">", .max_batch = 4, .executor = threads.executor()},
      {.on_events = [&](const Batch& batch) { sizes.push_back(batch.events.size()); }, .on_end = [](const Error&) {}});
  REQUIRE(bus.publish(numbered(1, 10)));
  threads.run_one();
  CHECK_FALSE(threads.run_one());
  CHECK(sizes == std::vector<size_t>{4, 4, 2});
}

TEST_CASE("overflow 'end' delivers what is queued, then ends, and counts") {
  FixedClock clock;
  ManualExecutor threads;
  Recorder slow, fast, resumed;
  Bus bus(clock);
  const RunRest rest{threads};
  bus.subscribe({.pattern = ">", .max_queued = 3, .executor = threads.executor()}, slow.callbacks());
  bus.subscribe({.pattern = ">", .executor = inline_executor}, fast.callbacks());
  REQUIRE(bus.publish(numbered(1, 5)));
  threads.run_all();
  CHECK(slow.subjects == Strings{"n.1", "n.2", "n.3"});
  REQUIRE(slow.ends.size() == 1);
  CHECK(slow.ends[0].code == Code::kOutOfRange);
  CHECK(slow.ends[0].reason == "bus.overflow");
  CHECK(fast.subjects.size() == 5);
  CHECK(bus.stats().ended == 1);
  CHECK(bus.stats().subscriptions == 1);

  bus.subscribe({.pattern = ">", .after_sequence = slow.sequences.back(), .executor = inline_executor},
                resumed.callbacks());
  CHECK(resumed.subjects == Strings{"n.4", "n.5"});
}

TEST_CASE("overflow 'drop_oldest' counts what it dropped, before the event behind the gap") {
  FixedClock clock;
  ManualExecutor threads;
  Recorder slow;
  Bus bus(clock);
  const RunRest rest{threads};
  bus.subscribe({.pattern = ">", .overflow = Overflow::kDropOldest, .max_queued = 3, .executor = threads.executor()},
                slow.callbacks());
  REQUIRE(bus.publish(numbered(1, 5)));
  threads.run_all();
  REQUIRE(bus.publish(numbered(6, 6)));
  threads.run_all();
  CHECK(slow.subjects == Strings{"n.3", "n.4", "n.5", "n.6"});
  CHECK(slow.missed == std::vector<uint64_t>{2, 0});
  CHECK(bus.stats().missed == 2);
  CHECK(slow.ends.empty());
}

TEST_CASE("a subscription resumes behind a sequence or a revision, then goes on live") {
  FixedClock clock;
  Recorder live, by_sequence, by_revision;
  Bus bus(clock);
  bus.subscribe({.pattern = ">", .executor = inline_executor}, live.callbacks());
  std::vector<Event> events = numbered(1, 4);
  for (size_t each = 0; each < events.size(); ++each) events[each].revision = 10 + each;
  events.push_back({.subject = "n.without-revision"});
  REQUIRE(bus.publish(std::move(events)));
  bus.subscribe({.pattern = "n.*", .after_sequence = live.sequences[2], .executor = inline_executor},
                by_sequence.callbacks());
  bus.subscribe({.pattern = "n.*", .after_revision = 11, .executor = inline_executor}, by_revision.callbacks());
  REQUIRE(bus.publish(numbered(5, 5)));
  CHECK(by_sequence.subjects == Strings{"n.4", "n.without-revision", "n.5"});
  CHECK(by_revision.subjects == Strings{"n.3", "n.4", "n.5"});
}

TEST_CASE("resuming from before what is retained is never silent") {
  FixedClock clock;
  Recorder live, exact, late, counted, by_revision, other_run;
  Bus bus(clock, {.retained_events = 3});
  bus.subscribe({.pattern = ">", .executor = inline_executor}, live.callbacks());
  auto events = numbered(1, 6);
  for (size_t each = 0; each < events.size(); ++each) events[each].revision = 1 + each;
  REQUIRE(bus.publish(std::move(events)));

  bus.subscribe({.pattern = ">", .after_sequence = live.sequences[2], .executor = inline_executor}, exact.callbacks());
  CHECK(exact.subjects == Strings{"n.4", "n.5", "n.6"});
  bus.subscribe({.pattern = ">", .after_sequence = live.sequences[1], .executor = inline_executor}, late.callbacks());
  REQUIRE(late.ends.size() == 1);
  CHECK(late.ends[0].reason == "bus.compacted");
  bus.subscribe({.pattern = ">",
                 .overflow = Overflow::kDropOldest,
                 .after_sequence = live.sequences[0],
                 .executor = inline_executor},
                counted.callbacks());
  CHECK(counted.subjects.size() == 3);
  CHECK(counted.missed.front() >= 1);
  bus.subscribe({.pattern = ">", .after_revision = 2, .executor = inline_executor}, by_revision.callbacks());
  CHECK(by_revision.ends.size() == 1);
  bus.subscribe({.pattern = ">", .after_sequence = 5, .executor = inline_executor}, other_run.callbacks());
  CHECK(other_run.ends.size() == 1);
}

/// Changes of the state, as this run of the host or another tells of them.
std::vector<Event> derived(uint64_t first, uint64_t last) {
  std::vector<Event> events;
  for (uint64_t revision = first; revision <= last; ++revision) {
    for (uint32_t part = 0; part < 2; ++part) {
      events.push_back({.subject = "s." + std::to_string(revision) + "-" + std::to_string(part),
                        .revision = revision,
                        .derived = true,
                        .part = part});
    }
  }
  return events;
}

TEST_CASE("a cursor resumes exactly on its own bus") {
  FixedClock clock;
  Recorder resumed;
  Bus bus(clock);
  bus.begin_state(4);
  REQUIRE(bus.publish(derived(5, 6)));
  REQUIRE(bus.publish({.subject = "other"}));
  const auto all = bus.retained({.pattern = ">", .after = bus.oldest()}).value();
  REQUIRE(all.size() == 5);
  const Cursor cursor{all[1]->sequence, all[1]->state};
  CHECK(bus.is_own(cursor));
  bus.subscribe({.pattern = ">", .after = cursor, .executor = inline_executor}, resumed.callbacks());
  CHECK(resumed.subjects == Strings{"s.6-0", "s.6-1", "other"});
  CHECK(all[4]->state == StatePosition{6, 1});
}

TEST_CASE("a cursor of an earlier run resumes behind its place in the state, and gets all else that there is") {
  FixedClock clock;
  Bus bus(clock);
  bus.begin_state(4);
  REQUIRE(bus.publish(derived(5, 7)));
  REQUIRE(bus.publish({.subject = "other"}));
  const auto after = [&](StatePosition state) {
    Strings subjects;
    const auto events = bus.retained({.pattern = ">", .after = Cursor{1, state}});
    REQUIRE(events.ok());
    for (const auto& event : *events) subjects.push_back(event->subject);
    return subjects;
  };
  CHECK_FALSE(bus.is_own({1, {6, 0}}));
  CHECK(after({6, 0}) == Strings{"s.6-1", "s.7-0", "s.7-1", "other"});
  CHECK(after({9, 0}) == Strings{"other"});
  CHECK(bus.retained({.pattern = ">", .after = Cursor{1, {3, 0}}}).error().reason == "bus.compacted");
}

TEST_CASE("a cursor of an earlier run is too old once something is forgotten that it may have wanted") {
  FixedClock clock;
  Bus bus(clock, {.retained_events = 3});
  bus.begin_state(4);
  REQUIRE(bus.publish(derived(5, 6)));
  CHECK(bus.retained({.pattern = ">", .after = Cursor{1, {5, 0}}}).value().size() == 3);
  CHECK(bus.retained({.pattern = ">", .after = Cursor{1, {4, UINT32_MAX}}}).code() == Code::kOutOfRange);
  REQUIRE(bus.publish({.subject = "other"}));
  REQUIRE(bus.publish(derived(7, 8)));
  CHECK(bus.retained({.pattern = ">", .after = Cursor{1, {8, 0}}}).code() == Code::kOutOfRange);
  CHECK(bus.retained({.pattern = ">", .after = bus.oldest()}).value().size() == 3);
}

TEST_CASE("what is retained is bounded by bytes too") {
  FixedClock clock;
  Bus bus(clock, {.retained_events = 1'000, .retained_bytes = 20'000});
  for (int each = 0; each < 100; ++each)
    REQUIRE(bus.publish(Event{.subject = "a", .body = std::make_shared<const std::string>(1'000, 'x')}));
  CHECK(bus.stats().retained_bytes <= 20'000);
  CHECK(bus.stats().retained_events >= 10);
  CHECK(bus.stats().retained_events < 20);
}

TEST_CASE("after unsubscribe nothing that was queued comes, and the end comes once") {
  FixedClock clock;
  ManualExecutor threads;
  Recorder gone;
  Bus bus(clock);
  const RunRest rest{threads};
  const auto id = bus.subscribe({.pattern = ">", .executor = threads.executor()}, gone.callbacks());
  REQUIRE(bus.publish(numbered(1, 3)));
  bus.unsubscribe(id);
  bus.unsubscribe(id);
  bus.unsubscribe(12'345);
  REQUIRE(bus.publish(numbered(4, 4)));
  threads.run_all();
  CHECK(gone.subjects.empty());
  REQUIRE(gone.ends.size() == 1);
  CHECK(gone.ends[0].code == Code::kCancelled);
  CHECK(bus.stats().subscriptions == 0);
}

TEST_CASE("a subscriber may publish and unsubscribe from its own callback") {
  FixedClock clock;
  Recorder other;
  std::vector<std::string> seen;
  size_t ends = 0;
  SubscriptionId id = 0;
  Bus bus(clock);
  bus.subscribe({.pattern = "answer", .executor = inline_executor}, other.callbacks());
  id = bus.subscribe({.pattern = "ask", .executor = inline_executor},
                     {.on_events =
                          [&](const Batch&) {
                            seen.push_back("ask");
                            REQUIRE(bus.publish(Event{.subject = "answer"}));
                            bus.unsubscribe(id);
                          },
                      .on_end = [&](const Error&) { ++ends; }});
  REQUIRE(bus.publish(Event{.subject = "ask"}));
  REQUIRE(bus.publish(Event{.subject = "ask"}));
  CHECK(seen.size() == 1);
  CHECK(ends == 1);
  CHECK(other.subjects.size() == 1);
}

TEST_CASE("when an executor refuses work, the bus tries again by itself") {
  FixedClock clock;
  ManualExecutor threads;
  Recorder late;
  Bus bus(clock);
  const RunRest rest{threads};
  bus.subscribe({.pattern = ">", .executor = threads.executor()}, late.callbacks());
  threads.full = true;
  REQUIRE(bus.publish(numbered(1, 2)));
  CHECK_FALSE(threads.run_one());
  threads.full = false;
  threads.wait_for_work();
  threads.run_all();
  CHECK(late.subjects == Strings{"n.1", "n.2"});
}

TEST_CASE("the end of the bus ends every subscription, behind what was queued") {
  FixedClock clock;
  Recorder on_bus_thread, on_executor;
  {
    Bus bus(clock);
    bus.subscribe({.pattern = ">"}, on_bus_thread.callbacks());
    bus.subscribe({.pattern = ">", .executor = inline_executor}, on_executor.callbacks());
    REQUIRE(bus.publish(numbered(1, 100)));
  }
  for (Recorder* each : {&on_bus_thread, &on_executor}) {
    CHECK(each->subjects.size() == 100);
    REQUIRE(each->ends.size() == 1);
    CHECK(each->ends[0].reason == "bus.stopped");
  }
}

TEST_CASE("many publishers: every subscriber sees every event once, in the order of sequences") {
  FixedClock clock;
  constexpr size_t kPublishers = 4;
  constexpr size_t kEach = 500;
  Recorder recorders[3];
  Bus bus(clock);
  for (Recorder& each : recorders) bus.subscribe({.pattern = "n.*", .max_queued = kMaxQueued}, each.callbacks());
  std::vector<std::thread> publishers;
  for (size_t each = 0; each < kPublishers; ++each)
    publishers.emplace_back([&] {
      for (size_t sent = 0; sent < kEach; ++sent) (void)bus.publish(numbered(1, 2));
    });
  for (auto& each : publishers) each.join();
  for (Recorder& each : recorders) {
    each.wait_for(kPublishers * kEach * 2);
    std::lock_guard lock(each.mutex);
    REQUIRE(each.sequences.size() == kPublishers * kEach * 2);
    for (size_t at = 1; at < each.sequences.size(); ++at)
      if (each.sequences[at] != each.sequences[at - 1] + 1) FAIL("sequence " << each.sequences[at]);
  }
}
