// What the log's entries say: each changes the state machine in a way that depends on nothing but the entries before
// it.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "host/state/engine.h"

namespace novacron::host::state {

struct GrantLease {
  uint64_t ttl_ms = 0;
};
struct EndLease {
  uint64_t lease = 0;
};
struct OpenSession {};
struct Compact {
  Revision revision = 0;
};

/// Who waits for a command that another node proposes for it.
struct Proposer {
  uint64_t node = 0;   ///< 0: who proposed it
  uint64_t token = 0;  ///< of the node's own, never used twice

  bool operator==(const Proposer&) const = default;
};

struct Command {
  uint64_t time_ns = 0;  ///< real time at which it was proposed
  std::variant<Txn, GrantLease, EndLease, OpenSession, Compact> what;
  Proposer proposer = {};
};

std::string encode_command(const Command& command);
/// DATA_LOSS "state.command": not written by encode_command.
Result<Command> decode_command(std::string_view bytes);

/// What Engine::txn refuses whatever the state is.
Status check_txn(const Txn& txn);

}  // namespace novacron::host::state
