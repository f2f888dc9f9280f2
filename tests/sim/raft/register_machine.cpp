#include "tests/sim/raft/register_machine.h"

#include <cassert>
#include <cstring>
#include <functional>

namespace novacron::sim {

std::string Write::encode() const {
  const uint64_t fields[] = {session, sequence, key, value};
  return std::string(reinterpret_cast<const char*>(fields), sizeof(fields));
}

std::optional<Write> Write::decode(std::string_view bytes) {
  uint64_t fields[4];
  if (bytes.size() != sizeof(fields)) return std::nullopt;
  std::memcpy(fields, bytes.data(), sizeof(fields));
  return Write{fields[0], fields[1], fields[2], fields[3]};
}

std::optional<Write> RegisterMachine::apply(const host::raft::Entry& entry) {
  assert(entry.index == index_ + 1);
  index_ = entry.index;
  digest_ = (digest_ ^ (entry.index + entry.term * 31 + std::hash<std::string>()(entry.payload))) * 0x100000001B3;
  if (entry.kind != host::raft::EntryKind::kCommand) return std::nullopt;
  const auto write = Write::decode(entry.payload);
  assert(write);
  uint64_t& last = sessions_[write->session];
  if (write->sequence > last) {
    last = write->sequence;
    registers_[write->key] = write->value;
  }
  return write;
}

uint64_t RegisterMachine::read(uint64_t key) const {
  const auto found = registers_.find(key);
  return found == registers_.end() ? 0 : found->second;
}

}  // namespace novacron::sim
