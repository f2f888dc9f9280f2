#include "host/daemon/cluster_config.h"

#include "host/cluster/links.h"
#include "host/raft/types.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::daemon;

namespace {

Config three_nodes() {
  Config config;
  config.state.node = 2;
  config.state.listen = "0.0.0.0:7443";
  config.state.peers = {"1=one.example:7443", "3=[::1]:7443"};
  config.state.ca = config.state.certificate = config.state.key = "/some.pem";
  return config;
}

std::string complaint(const Config& config) {
  const auto checked = check_state(config);
  return checked.ok() ? "" : checked.error().message;
}

bool says(const Config& config, const std::string& part) {
  return complaint(config).find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("settings of the cluster that cannot be meant are refused, with what to write instead") {
  for (const char* peer : {"", "1", "=a:1", "0=a:1", "x=a:1", "1x=a:1", "1=a", "-1=a:1", "99999999999999999999=a:1"}) {
    Config config = three_nodes();
    config.state.peers.emplace_back(peer);
    INFO(peer);
    CHECK(says(config, "of state.peers must be a node's number and its address"));
  }
  Config config = three_nodes();
  config.state.peers.emplace_back("2=a:1");
  CHECK(says(config, "own number 2"));
  config.state.peers.back() = "3=a:1";
  CHECK(says(config, "names node 3 twice"));
  for (int node = 4; node < 10; ++node) config.state.peers.push_back(std::to_string(node) + "=a:1");
  config.state.peers.erase(config.state.peers.begin() + 2);
  CHECK(says(config, "at most 7 nodes"));
  config = three_nodes();
  config.state.key.clear();
  CHECK(says(config, "state.key must be given"));
  config = three_nodes();
  config.state.election_ms = 3 * config.state.heartbeat_ms;
  CHECK(says(config, "state.election_ms"));
  config = three_nodes();
  config.state.cluster.clear();
  CHECK(says(config, "state.cluster"));
}

TEST_CASE("a cluster begins with this node and its peers, each with a vote") {
  CHECK(complaint(three_nodes()).empty());
  CHECK(complaint(Config()).empty());
  const auto members = first_members_of(three_nodes());
  CHECK(members.members.size() == 3);
  CHECK(members.voters() == 3);
  CHECK(peers_of(three_nodes())->at(3) == "[::1]:7443");
  CHECK(first_members_of(Config()).members.size() == 1);
  CHECK(*make_links(Config()) == nullptr);
}
