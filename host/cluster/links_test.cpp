#include "host/cluster/links.h"

#include <algorithm>
#include <condition_variable>

#include "host/cluster/certificates_for_test.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::cluster;

namespace {

constexpr auto kPatience = std::chrono::seconds(20);

/// What a node has heard.
class Ear {
 public:
  raft::Peers::Receive receive() {
    return [this](raft::NodeId from, std::string frame) {
      std::lock_guard lock(mutex_);
      heard_.push_back(std::to_string(from) + " " + frame);
      changed_.notify_all();
    };
  }
  /// Says `frame` until it has been heard: before there is a connection nothing is kept.
  bool hears(Links& sender, raft::NodeId to, raft::Lane lane, const std::string& frame, const std::string& expected) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    std::unique_lock lock(mutex_);
    while (std::find(heard_.begin(), heard_.end(), expected) == heard_.end()) {
      if (std::chrono::steady_clock::now() > end) return false;
      lock.unlock();
      sender.send(to, lane, frame);
      lock.lock();
      changed_.wait_for(lock, std::chrono::milliseconds(20));
    }
    return true;
  }
  bool heard_no(const std::string& frame) {
    std::lock_guard lock(mutex_);
    return std::none_of(heard_.begin(), heard_.end(), [&](auto& line) { return line.ends_with(frame); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> heard_;
};

std::unique_ptr<Links> node(raft::NodeId id, const LinkFiles& files, const std::string& cluster = "test",
                            std::map<raft::NodeId, std::string> addresses = {},
                            const std::string& listen = "127.0.0.1:0") {
  auto links = Links::create({id, cluster, listen, std::move(addresses), files});
  INFO((links.ok() ? std::string() : links.error().message));
  REQUIRE(links.ok());
  return *std::move(links);
}

}  // namespace

TEST_CASE("a link whose files are of no use is refused, and so is an address that is none") {
  testing::Authority authority;
  const LinkFiles files = authority.files_of("node-1");
  REQUIRE(authority.is_made());
  CHECK(Links::create({1, "test", "127.0.0.1:0", {}, {files.ca, "/nowhere", files.key}}).error().reason ==
        "link.certificate");
  CHECK(Links::create({1, "test", "127.0.0.1:0", {}, {files.ca, files.certificate, files.ca}}).error().reason ==
        "link.certificate");
  CHECK(Links::create({1, "test", "nonsense", {}, files}).error().reason == "link.address");
}

TEST_CASE("nodes hear each other on both lanes, and again after one was gone") {
  testing::Authority authority;
  Ear ear;
  const LinkFiles files_of_second = authority.files_of("node-2");
  auto second = node(2, files_of_second);
  const std::string address = second->address();
  second->start(ear.receive());
  auto first = node(1, authority.files_of("node-1"), "test", {{2, address}});
  first->start([](raft::NodeId, const std::string&) {});
  CHECK(ear.hears(*first, 2, raft::Lane::kControl, "now", "1 now"));
  const std::string large(4'000'000, 'x');
  CHECK(ear.hears(*first, 2, raft::Lane::kBulk, large, "1 " + large));
  first->send(7, raft::Lane::kBulk, "to nobody");

  second->stop();
  second.reset();
  Ear again;
  second = node(2, files_of_second, "test", {}, address);
  second->start(again.receive());
  CHECK(again.hears(*first, 2, raft::Lane::kControl, "back", "1 back"));
  first->stop();
  second->stop();
}

TEST_CASE("who has another authority, cluster, number or certificate is not heard") {
  testing::Authority authority;
  testing::Authority other_authority;
  const LinkFiles files = authority.files_of("node-1");
  Ear ear;
  auto second = node(2, authority.files_of("node-2"));
  second->start(ear.receive());
  const std::map<raft::NodeId, std::string> there{{2, second->address()}};
  std::vector<std::unique_ptr<Links>> strangers;
  strangers.push_back(node(1, other_authority.files_of("node-1"), "test", there));
  strangers.push_back(node(1, files, "other", there));
  strangers.push_back(node(3, files, "test", there));                     // its certificate is that of 1
  strangers.push_back(node(1, files, "test", {{3, second->address()}}));  // takes 2 for 3
  for (auto& stranger : strangers) stranger->start([](raft::NodeId, const std::string&) {});
  auto first = node(1, files, "test", there);
  first->start([](raft::NodeId, const std::string&) {});
  for (int times = 0; times < 20; ++times) {
    for (auto& stranger : strangers) {
      stranger->send(2, raft::Lane::kControl, "stranger");
      stranger->send(3, raft::Lane::kControl, "stranger");
    }
    CHECK(ear.hears(*first, 2, raft::Lane::kControl, std::to_string(times), "1 " + std::to_string(times)));
  }
  CHECK(ear.heard_no("stranger"));
  for (auto& stranger : strangers) stranger->stop();
  first->stop();
  second->stop();
}
