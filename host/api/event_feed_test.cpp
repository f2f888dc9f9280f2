// Clients of the same events: one subscription, one text, and each at its own pace.
#include "host/api/event_feed.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

struct World {
  bus::Bus bus{system_clock()};
  std::shared_ptr<EventSources> sources = std::make_shared<EventSources>(bus, "/v1/nodes/n1");

  /// Numbered from `first` on, and all told to who has subscribed.
  void publish(uint64_t first, uint64_t count) {
    std::vector<bus::Event> events(count);
    for (uint64_t i = 0; i < count; ++i) {
      events[i].subject = "shop.opened";
      events[i].body = std::make_shared<const std::string>(std::to_string(first + i));
    }
    REQUIRE(bus.publish(std::move(events)));
  }
};

/// What a connection does with its feed.
struct Client {
  Client(World& world, EventWish wish, FeedFraming framing = FeedFraming::kLines)
      : feed(follow_events(world.sources, std::move(wish), framing)), framing_(framing) {}

  /// The lines that have come until there are `count`, or the feed's end.
  std::vector<std::string> lines(size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (lines_.size() < count && !end && std::chrono::steady_clock::now() < deadline)
      if (!step()) std::this_thread::yield();
    return std::exchange(lines_, {});
  }
  std::vector<int> numbers(size_t count) {
    std::vector<int> data;
    for (const auto& line : lines(count)) data.push_back(nlohmann::json::parse(line)["data"].get<int>());
    return data;
  }
  bool shares() {
    auto shared = feed->take_shared();
    if (shared.ok() && *shared) add(**shared);
    return shared.ok() && shared->has_value();
  }

  std::unique_ptr<Feed> feed;
  std::optional<Error> end;

 private:
  bool step() {
    auto shared = feed->take_shared();
    if (!shared.ok()) return end = shared.error(), false;
    if (*shared) return add(**shared);
    const auto taken = feed->take(100);
    if (!taken.ok()) return end = taken.error(), false;
    std::string framed;
    for (const auto& message : *taken) append_frame(framed, message, framing_);
    return framed.empty() ? false : add({{std::make_shared<const std::string>(framed), 0}});
  }
  bool add(const FeedPieces& pieces) {
    for (const auto& piece : pieces) {
      for (auto rest = piece.view(); !rest.empty(); rest.remove_prefix(rest.find('\n') + 1))
        lines_.emplace_back(rest.substr(0, rest.find('\n')));
    }
    return !pieces.empty();
  }

  const FeedFraming framing_;
  std::vector<std::string> lines_;
};

EventWish everything() {
  EventWish wish;
  wish.interest.pattern = ">";
  return wish;
}

std::vector<int> from_to(int first, int last) {
  std::vector<int> numbers;
  for (int i = first; i <= last; ++i) numbers.push_back(i);
  return numbers;
}

}  // namespace

TEST_CASE("clients that follow the same events share a subscription, others have their own") {
  World world;
  Client one(world, everything()), two(world, everything()), sse(world, everything(), FeedFraming::kServerSentEvents);
  CHECK(world.bus.stats().subscriptions == 2);
  EventWish other = everything();
  other.interest.tenant = "blue";
  Client blue(world, other);
  other.interest.pattern = "shop.closed";
  Client closed(world, other);
  CHECK(world.bus.stats().subscriptions == 4);
  world.publish(1, 300);
  CHECK(one.numbers(300) == from_to(1, 300));
  CHECK(two.numbers(300) == from_to(1, 300));
  const auto framed = sse.lines(900);
  REQUIRE(framed.size() == 900);
  const auto last = nlohmann::json::parse(framed[898].substr(6));
  CHECK(framed[897] == "id: " + last["cursor"].get<std::string>());
  CHECK(framed[899].empty());
  CHECK_FALSE(blue.feed->take_shared()->value().size());
}

TEST_CASE("who asks for an object or a time has a subscription alone") {
  World world;
  EventWish wish = everything();
  wish.object = EventObject{"shop/Robot", "r1"};
  CHECK_FALSE(Client(world, wish).shares());
  wish = everything();
  wish.times.until_ns = UINT64_MAX - 1;
  CHECK_FALSE(Client(world, wish).shares());
  CHECK(Client(world, everything()).shares());
}

TEST_CASE("a client that resumes gets each event once, and shares when it has caught up") {
  World world;
  Client steady(world, everything());
  world.publish(1, 10);
  const auto seen = steady.lines(10);
  EventWish resumed = everything();
  resumed.interest.after = cursor_of(
      *world.bus.retained({.pattern = ">", .overflow = bus::Overflow::kDropOldest, .after_sequence = 1})->at(3));
  Client back(world, resumed);
  CHECK(back.shares());
  CHECK(back.numbers(6) == from_to(5, 10));
  EventWish all = everything();
  all.interest.after_sequence = 1;
  all.interest.overflow = bus::Overflow::kDropOldest;
  Client late(world, all);
  CHECK_FALSE(late.shares());
  CHECK(late.numbers(10) == from_to(1, 10));
  (void)late.feed->take(1);  // nothing: it has caught up
  CHECK(late.shares());
  world.publish(11, 5);
  CHECK(late.numbers(5) == from_to(11, 15));
  CHECK(back.numbers(5) == from_to(11, 15));
}

TEST_CASE("a client that does not read is told so and holds up no other") {
  World world;
  Client quick(world, everything()), slow(world, everything());
  const int total = static_cast<int>(kMaxQueuedEvents) + 500;
  for (int sent = 0; sent < total; sent += 100) {
    world.publish(static_cast<uint64_t>(sent) + 1, 100);
    CHECK(quick.numbers(100) == from_to(sent + 1, sent + 100));
  }
  CHECK(slow.lines(1).empty());
  REQUIRE(slow.end);
  CHECK(slow.end->reason == "bus.overflow");
}

TEST_CASE("when nobody reads, the newest events are queued and no more") {
  World world;
  Client client(world, everything());
  world.publish(1, kMaxQueuedEvents);
  world.publish(kMaxQueuedEvents + 1, 10);
  while (world.bus.stats().delivered < kMaxQueuedEvents + 10) std::this_thread::yield();
  (void)client.lines(kMaxQueuedEvents + 10);
  REQUIRE(client.end);
  CHECK(client.end->reason == "bus.overflow");
  Client next(world, everything());
  world.publish(1, 2);
  CHECK(next.numbers(2) == from_to(1, 2));
}

TEST_CASE("a pattern that is none is the feed's end") {
  World world;
  EventWish wish = everything();
  wish.interest.pattern = "not a pattern";
  Client client(world, wish);
  CHECK(client.lines(1).empty());
  REQUIRE(client.end);
  CHECK(client.end->reason == "bus.pattern");
}
