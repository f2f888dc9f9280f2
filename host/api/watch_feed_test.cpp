// Clients of the same objects: one watch, one text of each change, and each at its own pace.
#include "host/api/watch_feed.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/resource/controllers.h"
#include "host/resource/keys.h"
#include "host/resource/testing/world.h"
#include "host/state/sync.h"

using namespace novacron::host;
using namespace novacron::host::api;
using resource::testing::robot_ref;
using resource::testing::World;

namespace {

struct Fixture {
  World world;
  WorkerPool pool{{}};
  WatchChannels channels{world.store(), pool};

  std::unique_ptr<Feed> watch(resource::WatchOptions options, FeedFraming framing = FeedFraming::kLines) {
    auto feed = watch_resources(world.store(), channels, world.alice, options, framing);
    REQUIRE(feed.ok());
    return *std::move(feed);
  }
  /// A status alone, many in one transaction.
  void touch(const std::vector<std::string>& robots) {
    state::Txn txn;
    for (const auto& name : robots)
      txn.writes.emplace_back(state::Put{resource::status_key(robot_ref(name)), std::string("\x18\x01", 2)});
    REQUIRE(state::Sync(world.engine()).txn(std::move(txn)).ok());
  }
};

const resource::WatchOptions kRobots{"shop/Robot", "default"};

resource::WatchOptions robots_after(uint64_t revision) {
  auto options = kRobots;
  options.after_revision = revision;
  return options;
}

/// What a connection does with its feed.
class Client {
 public:
  explicit Client(std::unique_ptr<Feed> feed) : feed_(std::move(feed)) {}

  /// The changes that have come until there are `count`, or why there are no more; bookmarks are left out.
  std::vector<std::string> lines(size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (lines_.size() < count && std::chrono::steady_clock::now() < deadline)
      if (!step()) std::this_thread::yield();
    return std::exchange(lines_, {});
  }
  /// "PUT r1"
  std::vector<std::string> texts(size_t count) {
    std::vector<std::string> all;
    for (const auto& line : lines(count)) {
      const auto json = nlohmann::json::parse(line, nullptr, false);
      if (json.is_discarded()) return {line};
      all.push_back(json["type"].get<std::string>() + ' ' + json["object"]["metadata"]["name"].get<std::string>());
    }
    return all;
  }
  bool shares() {
    auto shared = feed_->take_shared();
    if (shared.ok() && *shared) add(**shared);
    return shared.ok() && shared->has_value();
  }
  Feed& feed() { return *feed_; }

 private:
  bool step() {
    auto shared = feed_->take_shared();
    if (shared.ok() && *shared) return add(**shared);
    const auto taken = feed_->take(100);
    if (!taken.ok()) return lines_.push_back(taken.error().reason), true;
    std::string framed;
    for (const auto& message : *taken) append_frame(framed, message, FeedFraming::kLines);
    return framed.empty() ? false : add({{std::make_shared<const std::string>(framed), 0}});
  }
  bool add(const FeedPieces& pieces) {
    for (const auto& piece : pieces) {
      for (auto rest = piece.view(); !rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
        const auto line = rest.substr(0, rest.find('\n'));
        if (line.find("BOOKMARK") == std::string_view::npos) lines_.emplace_back(line);
      }
    }
    return !pieces.empty();
  }

  std::unique_ptr<Feed> feed_;
  std::vector<std::string> lines_;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "clients that watch the same objects share a watch and the bytes of each change") {
  auto one = watch(kRobots), two = watch(kRobots);
  REQUIRE(world.make_robot("r1").ok());
  const auto pieces_of = [](Feed& feed) {
    FeedPieces pieces;
    while (pieces.empty()) pieces = *feed.take_shared().value();
    return pieces;
  };
  const auto first = pieces_of(*one), second = pieces_of(*two);
  CHECK(first[0].bytes.get() == second[0].bytes.get());
  CHECK(first[0].view().find(R"({"type":"PUT","object":{"kind":"shop/Robot")") == 0);
}

TEST_CASE_METHOD(Fixture, "who has a selector or another tenant is told by its own") {
  REQUIRE(world.make_robot("r0").ok());
  auto selecting = kRobots;
  selecting.label_selector = "app=web";
  Client all(watch(kRobots)), some(watch(selecting)), of_all_tenants(watch({"shop/Robot"}));
  CHECK(all.shares());
  CHECK_FALSE(some.shares());
  REQUIRE(world.make_robot("r1").ok());
  REQUIRE(world.make_robot("r2", "{}", R"("labels":{"app":"web"})").ok());
  CHECK(all.texts(2) == Texts{"PUT r1", "PUT r2"});
  CHECK(some.texts(1) == Texts{"PUT r2"});
  CHECK(of_all_tenants.texts(2) == Texts{"PUT r1", "PUT r2"});
}

TEST_CASE_METHOD(Fixture, "each client is asked for its own right, whoever watches already") {
  Client first(watch(kRobots));
  world.authorizer.denied = {"user:alice watch shop/Robot"};
  const auto refused = watch_resources(world.store(), channels, world.alice, kRobots, FeedFraming::kLines);
  CHECK(refused.error().reason == "auth.denied");
  CHECK(watch_resources(world.store(), channels, world.host, {"shop/Nothing"}, FeedFraming::kLines).error().reason ==
        "resource.unknown-kind");
}

TEST_CASE_METHOD(Fixture, "a client that resumes gets what is behind its revision, once") {
  Client steady(watch(kRobots));
  REQUIRE(world.make_robot("r1").ok());
  const uint64_t after_first = world.engine().revision();
  REQUIRE(world.make_robot("r2").ok());
  CHECK(steady.texts(2) == Texts{"PUT r1", "PUT r2"});
  Client back(watch(robots_after(after_first)));
  CHECK(back.shares());
  CHECK(back.texts(1) == Texts{"PUT r2"});
  REQUIRE(world.store().remove(world.alice, robot_ref("r1")).ok());
  CHECK(back.texts(1) == Texts{"DELETED r1"});
  CHECK(steady.texts(1) == Texts{"DELETED r1"});
}

TEST_CASE_METHOD(Fixture, "a client from before its channel watches by itself until it has caught up") {
  REQUIRE(world.make_robot("r1").ok());
  const uint64_t after_first = world.engine().revision();
  REQUIRE(world.make_robot("r2").ok());
  Client late(watch(robots_after(after_first)));
  CHECK_FALSE(late.shares());
  CHECK(late.texts(1) == Texts{"PUT r2"});
  while (!late.shares()) (void)late.feed().take(1);
  REQUIRE(world.make_robot("r3").ok());
  CHECK(late.texts(1) == Texts{"PUT r3"});
  CHECK(watch_resources(world.store(), channels, world.alice, robots_after(world.engine().revision() + 9),
                        FeedFraming::kLines)
            .error()
            .reason == "state.future-revision");
}

TEST_CASE_METHOD(Fixture, "a client that falls behind what is shared loses nothing") {
  REQUIRE(world.make_robot("r1").ok());
  Client slow(watch(kRobots)), quick(watch(kRobots));
  const size_t total = kMaxSharedChanges + 200;
  for (size_t i = 0; i < total; ++i) {
    touch({"r1"});
    if (i % 50 == 49) CHECK(quick.texts(50).size() == 50);
  }
  std::vector<uint64_t> revisions;
  for (const auto& line : slow.lines(total)) revisions.push_back(nlohmann::json::parse(line)["revision"]);
  REQUIRE(revisions.size() == total);
  for (size_t i = 1; i < total; ++i) REQUIRE(revisions[i] == revisions[i - 1] + 1);
  touch({"r1"});
  CHECK(slow.lines(1).size() == 1);
  while (!slow.shares()) (void)slow.feed().take(1);
}

TEST_CASE_METHOD(Fixture, "all changes of one revision come, however many") {
  Texts names;
  for (size_t i = 0; i < kMaxTakenChanges + 7; ++i) {
    names.push_back("r" + std::to_string(i));
    REQUIRE(world.make_robot(names.back()).ok());
  }
  Client one(watch(kRobots)), other(watch(kRobots));
  touch({"r0"});
  touch(names);
  touch({"r1"});
  CHECK(one.lines(names.size() + 2).size() == names.size() + 2);
  const auto seen = other.lines(names.size() + 2);
  REQUIRE(seen.size() == names.size() + 2);
  CHECK(nlohmann::json::parse(seen.back())["object"]["metadata"]["name"] == "r1");
}

TEST_CASE_METHOD(Fixture, "what may be told otherwise since is not told from memory") {
  Client steady(watch(kRobots));
  const uint64_t before = world.engine().revision();
  REQUIRE(world.make_robot("r1").ok());
  CHECK(steady.texts(1) == Texts{"PUT r1"});
  auth::Grant grant;
  grant.resources.push_back({"shop/Robot", {"update_status"}});
  world.store().controllers().set("keeper", grant, resource::Controllers::State::kActs, 1);
  Client back(watch(robots_after(before)));
  CHECK_FALSE(back.shares());
  CHECK(back.texts(1) == Texts{"PUT r1"});
  REQUIRE(world.make_robot("r2").ok());
  CHECK(steady.texts(1) == Texts{"PUT r2"});
  CHECK(back.texts(1) == Texts{"PUT r2"});
}

TEST_CASE("a channel without a worker is filled by one of its clients") {
  World world;
  WorkerPool busy{{.max_threads = 1}};
  std::atomic<bool> stop = false;
  REQUIRE(busy.run([&] {
                while (!stop) std::this_thread::yield();
              })
              .ok());
  {
    WatchChannels channels(world.store(), busy);
    auto feed = watch_resources(world.store(), channels, world.alice, kRobots, FeedFraming::kLines);
    REQUIRE(feed.ok());
    Client client(*std::move(feed));
    REQUIRE(world.make_robot("r1").ok());
    CHECK(client.texts(1) == Texts{"PUT r1"});
    stop = true;
  }
}
