#include "host/api/feed_log.h"

#include <catch2/catch.hpp>
#include <numeric>

using namespace novacron::host::api;

namespace {

/// A line "n" for each place.
FeedBlockPtr block(std::initializer_list<uint64_t> places) {
  auto made = std::make_shared<FeedBlock>();
  for (const uint64_t place : places) {
    made->bytes += std::to_string(place) + "\n";
    made->marks.push_back({place, made->bytes.size()});
  }
  return made;
}

std::string text(const std::optional<FeedPieces>& pieces) {
  if (!pieces) return "lost";
  return std::accumulate(pieces->begin(), pieces->end(), std::string(),
                         [](std::string all, const FeedPiece& piece) { return all.append(piece.view()); });
}

struct Client {
  Client(const std::shared_ptr<FeedLog>& log, uint64_t after) : reader(log, after, signal) {
    signal->listen([this] { ++woken; });
  }
  std::string read() { return text(reader.read()); }
  int woken = 0;
  std::shared_ptr<Signal> signal = std::make_shared<Signal>();
  FeedLog::Reader reader;
};

constexpr FeedLog::Limits kRoomy{1'000, 1'000'000};

std::shared_ptr<FeedLog> make_log(uint64_t begin, FeedLog::Limits limits = kRoomy) {
  return std::make_shared<FeedLog>(limits, begin);
}

struct Script final : FeedLog::Source {
  Made make() override {
    ++asked;
    if (next.empty()) return {};
    auto made = next.front();
    next.erase(next.begin());
    return made;
  }
  std::vector<Made> next;
  int asked = 0;
};

}  // namespace

TEST_CASE("who comes gets what is behind its place, in the middle of a block too") {
  const auto log = make_log(0);
  log->append(block({1, 2, 2, 5}));
  log->append(block({7}));
  CHECK(Client(log, 0).read() == "1\n2\n2\n5\n7\n");
  CHECK(Client(log, 2).read() == "5\n7\n");
  CHECK(Client(log, 3).read() == "5\n7\n");
  CHECK(Client(log, 5).read() == "7\n");
  CHECK(Client(log, 9).read().empty());
}

TEST_CASE("clients share the bytes") {
  const auto log = make_log(0);
  log->append(block({1, 2}));
  Client one(log, 0), other(log, 1);
  CHECK(one.reader.read()->at(0).bytes.get() == other.reader.read()->at(0).bytes.get());
}

TEST_CASE("who waits is woken once for all that comes") {
  const auto log = make_log(0);
  Client client(log, 0);
  CHECK(client.read().empty());
  log->append(block({1}));
  log->append(block({2}));
  CHECK(client.woken == 1);
  CHECK(client.read() == "1\n2\n");
  log->append(block({3}));
  CHECK(client.woken == 1);
}

TEST_CASE("who is behind what is kept has lost it, and the log says from where it reaches") {
  const auto log = make_log(4, {3, 1'000});
  CHECK_FALSE(log->reaches(3));
  CHECK(log->reaches(4));
  Client slow(log, 4), quick(log, 4);
  log->append(block({5, 6}));
  CHECK(quick.read() == "5\n6\n");
  log->append(block({7, 8}));
  CHECK(slow.read() == "lost");
  CHECK(quick.read() == "7\n8\n");
  CHECK(log->reaches(6));
  CHECK_FALSE(log->reaches(5));
}

TEST_CASE("a block alone stays, however long it is") {
  const auto log = make_log(0, {1, 1});
  log->append(block({1, 2, 3}));
  CHECK(Client(log, 0).read() == "1\n2\n3\n");
}

TEST_CASE("what is cleared is lost for those who have not read it, and for no other") {
  const auto log = make_log(0);
  Client behind(log, 0), ahead(log, 0);
  log->append(block({1}));
  CHECK(ahead.read() == "1\n");
  log->clear();
  log->append(block({2}));
  CHECK(behind.read() == "lost");
  CHECK(ahead.read() == "2\n");
}

TEST_CASE("a source makes messages for the first who has read all, and once") {
  Script script;
  script.next = {{block({1, 2}), 0}, {block({3}), 0}};
  const auto log = std::make_shared<FeedLog>(kRoomy, 0, &script);
  CHECK(script.asked == 0);
  Client one(log, 0), other(log, 0);
  CHECK(one.read() == "1\n2\n3\n");
  const int asked = script.asked;
  CHECK(other.read() == "1\n2\n3\n");
  CHECK(script.asked == asked + 1);
}

TEST_CASE("what a source has lost is lost for all who had not read it, and nobody passes over it") {
  Script script;
  script.next = {{block({1}), 0}, {block({5}), 4}};
  const auto log = std::make_shared<FeedLog>(kRoomy, 0, &script);
  Client client(log, 0);
  CHECK(client.read() == "1\n");
  CHECK(client.read() == "lost");
  CHECK(Client(log, 4).read() == "5\n");
}

TEST_CASE("what all have read goes, but for a little") {
  const auto log = make_log(0, {1'000'000, 1'000'000'000});
  Client client(log, 0);
  const auto big = [](uint64_t place) {
    auto made = std::make_shared<FeedBlock>();
    made->bytes.assign(FeedLog::kKeptBytes, 'x');
    made->marks.push_back({place, made->bytes.size()});
    return made;
  };
  for (uint64_t place = 1; place <= 3; ++place) log->append(big(place));
  while (!client.read().empty()) CHECK(log->reaches(0));
  CHECK_FALSE(log->reaches(1));
  CHECK(log->reaches(2));
}
