// What the settings of [state] say about the cluster.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "host/daemon/config.h"

namespace novacron::host::cluster {
class Links;
}
namespace novacron::host::state {
class Engine;
}
namespace novacron::host::raft {
struct Membership;
}

namespace novacron::host::daemon {

/// This node is not meant to be alone.
bool has_peers(const Config& config);
/// The addresses of the others by their numbers. INVALID_ARGUMENT "config.invalid" says what is wrong with state.peers.
Result<std::map<uint64_t, std::string>> peers_of(const Config& config);
/// What must hold between the settings of [state]. INVALID_ARGUMENT "config.invalid".
Status check_state(const Config& config);
/// With whom a new cluster begins: this node and all its peers have a vote. The settings are valid.
raft::Membership first_members_of(const Config& config);
/// Null: there are no peers.
Result<std::unique_ptr<cluster::Links>> make_links(const Config& config);
/// Until a leader answers this node. UNAVAILABLE after state.join_timeout_ms.
Status wait_for_cluster(state::Engine& engine, const Config& config);

}  // namespace novacron::host::daemon
