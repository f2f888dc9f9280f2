// The state machine that the simulated cluster replicates: registers, written at most once for each request.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "host/raft/types.h"

namespace novacron::sim {

/// What a client wants written.
struct Write {
  uint64_t session = 0;
  uint64_t sequence = 0;  ///< one that was applied in this session is not applied again
  uint64_t key = 0;
  uint64_t value = 0;

  std::string encode() const;
  static std::optional<Write> decode(std::string_view bytes);
};

class RegisterMachine final {
 public:
  /// Any kind of entry. The write, if it is one.
  std::optional<Write> apply(const host::raft::Entry& entry);

  uint64_t read(uint64_t key) const;
  uint64_t index() const { return index_; }
  /// Of everything that was ever applied, in its order.
  uint64_t digest() const { return digest_; }

 private:
  uint64_t index_ = 0;
  uint64_t digest_ = 0;
  std::map<uint64_t, uint64_t> registers_;
  std::map<uint64_t, uint64_t> sessions_;  ///< the last sequence of each
};

/// A machine in a snapshot.
struct MachineImage final : host::raft::SnapshotImage {
  explicit MachineImage(RegisterMachine copy) : machine(std::move(copy)) {}
  const RegisterMachine machine;
};

}  // namespace novacron::sim
