#include "host/daemon/cluster_config.h"

#include <charconv>

#include "host/base/clock.h"
#include "host/base/log.h"
#include "host/cluster/links.h"
#include "host/raft/membership.h"
#include "host/state/sync.h"

namespace novacron::host::daemon {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kLeastElectionHeartbeats = 4;

Error wanted(std::string what) {
  return {Code::kInvalidArgument, std::move(what), "config.invalid"};
}

}  // namespace

bool has_peers(const Config& config) {
  return !config.state.peers.empty();
}

Result<std::map<uint64_t, std::string>> peers_of(const Config& config) {
  std::map<uint64_t, std::string> addresses;
  for (const std::string& peer : config.state.peers) {
    const size_t equals = peer.find('=');
    uint64_t node = 0;
    const char* const end = peer.data() + std::min(equals, peer.size());
    const auto [read, error] = std::from_chars(peer.data(), end, node);
    const std::string address = equals == std::string::npos ? "" : peer.substr(equals + 1);
    if (error != std::errc() || read != end || node == 0 || address.find(':') == std::string::npos)
      return wanted("\"" + peer + "\" of state.peers must be a node's number and its address: \"2=host:7443\"");
    if (node == config.state.node)
      return wanted("state.peers names this node's own number " + std::to_string(node) + ": it lists the others");
    if (!addresses.emplace(node, address).second)
      return wanted("state.peers names node " + std::to_string(node) + " twice");
  }
  if (addresses.size() < raft::kMaxVoters) return addresses;
  return wanted("state.peers has too many: a cluster has at most " + std::to_string(raft::kMaxVoters) + " nodes");
}

Status check_state(const Config& config) {
  const Config::State& state = config.state;
  (void)TRY(peers_of(config));
  if (state.election_ms < kLeastElectionHeartbeats * state.heartbeat_ms)
    return wanted("state.election_ms must be at least " + std::to_string(kLeastElectionHeartbeats) +
                  " times state.heartbeat_ms");
  if (state.cluster.empty() || state.cluster.size() > cluster::kMaxClusterNameBytes)
    return wanted("state.cluster must have 1 to " + std::to_string(cluster::kMaxClusterNameBytes) + " bytes");
  if (!has_peers(config)) return {};
  for (const auto& [name, value] : {std::pair("listen", &state.listen), std::pair("ca", &state.ca),
                                    std::pair("certificate", &state.certificate), std::pair("key", &state.key)})
    if (value->empty()) return wanted(std::string("state.") + name + " must be given where there are state.peers");
  return {};
}

raft::Membership first_members_of(const Config& config) {
  raft::Membership members;
  members.members[config.state.node] = raft::MemberRole::kVoter;
  const auto peers = peers_of(config).value();
  for (const auto& [node, address] : peers) members.members[node] = raft::MemberRole::kVoter;
  return members;
}

Result<std::unique_ptr<cluster::Links>> make_links(const Config& config) {
  if (!has_peers(config)) return std::unique_ptr<cluster::Links>();
  const Config::State& state = config.state;
  auto addresses = TRY(peers_of(config));
  return cluster::Links::create({.node = state.node,
                                 .cluster = state.cluster,
                                 .listen = state.listen,
                                 .addresses = std::move(addresses),
                                 .files = {.ca = state.ca, .certificate = state.certificate, .key = state.key}});
}

Status wait_for_cluster(state::Engine& engine, const Config& config) {
  if (!has_peers(config)) return {};
  log_info("daemon", "waits for the cluster", {{"node", config.state.node}, {"peers", config.state.peers.size()}});
  const uint64_t until = system_clock().monotonic_ns() + config.state.join_timeout_ms * kNsPerMs;
  Status answered;
  do {
    const auto read = state::Sync(engine).range({.keys = state::KeyRange::one("any"), .limit = 1});
    if (read.ok()) return {};
    answered = read.error();
  } while (system_clock().monotonic_ns() < until);
  return wrap(answered.error(), "the cluster did not come together within state.join_timeout_ms");
}

}  // namespace novacron::host::daemon
