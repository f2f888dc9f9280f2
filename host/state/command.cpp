#include "host/state/command.h"

#include <algorithm>

#include "host/state/coding.h"

namespace novacron::host::state {
namespace {

enum Kind : uint8_t {
  kTxn = 1,
  kGrantLease = 2,
  kEndLease = 3,
  kOpenSession = 4,
  kCompact = 5,
  kSessionTxn = 6,
  kProposer = 7
};
enum WriteKind : uint8_t { kPut = 1, kRemove = 2 };

void encode_compares(Writer& out, const std::vector<Compare>& compares) {
  out.varint(compares.size());
  for (const Compare& compare : compares) {
    out.bytes(compare.key);
    out.byte(static_cast<uint8_t>(compare.target));
    out.byte(static_cast<uint8_t>(compare.op));
    out.varint(compare.number);
    out.bytes(compare.value);
  }
}

void encode_writes(Writer& out, const std::vector<Write>& writes) {
  out.varint(writes.size());
  for (const Write& write : writes) {
    if (const auto* put = std::get_if<Put>(&write)) {
      out.byte(kPut);
      out.bytes(put->key);
      out.bytes(put->value);
      out.varint(put->lease);
    } else {
      const auto& keys = std::get<Remove>(write).keys;
      out.byte(kRemove);
      out.bytes(keys.begin);
      out.bytes(keys.end);
    }
  }
}

struct Encoder {
  Writer& out;

  void operator()(const Txn& txn) {
    out.byte(txn.session == 0 ? kTxn : kSessionTxn);
    if (txn.session != 0) {
      out.varint(txn.session);
      out.varint(txn.sequence);
    }
    encode_compares(out, txn.compares);
    encode_writes(out, txn.writes);
    encode_writes(out, txn.otherwise);
  }
  void operator()(const GrantLease& grant) {
    out.byte(kGrantLease);
    out.varint(grant.ttl_ms);
  }
  void operator()(const EndLease& end) {
    out.byte(kEndLease);
    out.varint(end.lease);
  }
  void operator()(const OpenSession&) { out.byte(kOpenSession); }
  void operator()(const Compact& compact) {
    out.byte(kCompact);
    out.varint(compact.revision);
  }
};

Error malformed() {
  return {Code::kDataLoss, "an entry of the log cannot be read: it may come from a newer version", "state.command"};
}

Result<std::vector<Compare>> decode_compares(Reader& in) {
  std::vector<Compare> compares(std::min(in.count(), kMaxTxnKeys + 1));
  if (compares.size() > kMaxTxnKeys) return malformed();
  for (Compare& compare : compares) {
    compare.key = in.bytes();
    const uint8_t target = in.byte();
    const uint8_t op = in.byte();
    if (target > static_cast<uint8_t>(Compare::Target::kValue)) return malformed();
    if (op > static_cast<uint8_t>(Compare::Operator::kGreater)) return malformed();
    compare.target = static_cast<Compare::Target>(target);
    compare.op = static_cast<Compare::Operator>(op);
    compare.number = in.varint();
    compare.value = in.bytes();
  }
  return compares;
}

Result<std::vector<Write>> decode_writes(Reader& in) {
  std::vector<Write> writes(std::min(in.count(), kMaxTxnKeys + 1));
  if (writes.size() > kMaxTxnKeys) return malformed();
  for (Write& write : writes) {
    const uint8_t kind = in.byte();
    if (kind == kPut) {
      Put put;
      put.key = in.bytes();
      put.value = in.bytes();
      put.lease = in.varint();
      write = std::move(put);
    } else if (kind == kRemove) {
      Remove remove;
      remove.keys.begin = in.bytes();
      remove.keys.end = in.bytes();
      write = std::move(remove);
    } else {
      return malformed();
    }
  }
  return writes;
}

Result<Txn> decode_txn(Reader& in) {
  Txn txn;
  txn.compares = TRY(decode_compares(in));
  txn.writes = TRY(decode_writes(in));
  txn.otherwise = TRY(decode_writes(in));
  return txn;
}

Result<Txn> decode_session_txn(Reader& in) {
  const uint64_t session = in.varint();
  const uint64_t sequence = in.varint();
  if (session == 0) return malformed();
  Txn txn = TRY(decode_txn(in));
  txn.session = session;
  txn.sequence = sequence;
  return txn;
}

Status check_key(std::string_view key) {
  if (!key.empty() && key.size() <= kMaxKeyBytes) return {};
  return Error{Code::kInvalidArgument, "a key has 1 to " + std::to_string(kMaxKeyBytes) + " bytes", "state.key"};
}

Error duplicate(const std::string& key) {
  return {Code::kInvalidArgument, "the transaction writes the key " + key + " twice", "state.duplicate-key"};
}

/// One side of a transaction.
Status check_writes(const std::vector<Write>& writes) {
  std::vector<std::string_view> puts;
  for (const Write& write : writes) {
    if (const auto* put = std::get_if<Put>(&write)) {
      TRY_STATUS(check_key(put->key));
      puts.push_back(put->key);
    } else {
      const auto& keys = std::get<Remove>(write).keys;
      if (keys.end.empty()) TRY_STATUS(check_key(keys.begin));
    }
  }
  std::sort(puts.begin(), puts.end());
  const auto twice = std::adjacent_find(puts.begin(), puts.end());
  if (twice != puts.end()) return duplicate(std::string(*twice));
  for (const Write& write : writes) {
    const auto* remove = std::get_if<Remove>(&write);
    if (remove == nullptr) continue;
    for (std::string_view key : puts)
      if (remove->keys.contains(key)) return duplicate(std::string(key));
  }
  return {};
}

size_t bytes_of(const std::vector<Write>& writes) {
  size_t bytes = 0;
  for (const Write& write : writes) {
    if (const auto* put = std::get_if<Put>(&write)) bytes += put->key.size() + put->value.size();
    if (const auto* remove = std::get_if<Remove>(&write)) bytes += remove->keys.begin.size() + remove->keys.end.size();
  }
  return bytes;
}

}  // namespace

std::string encode_command(const Command& command) {
  std::string bytes;
  Writer out(bytes);
  out.varint(command.time_ns);
  if (command.proposer.node != 0) {
    out.byte(kProposer);
    out.varint(command.proposer.node);
    out.varint(command.proposer.token);
  }
  std::visit(Encoder{out}, command.what);
  return bytes;
}

Result<Command> decode_command(std::string_view bytes) {
  Reader in(bytes);
  Command command;
  command.time_ns = in.varint();
  uint8_t kind = in.byte();
  if (kind == kProposer) {
    command.proposer.node = in.varint();
    command.proposer.token = in.varint();
    kind = command.proposer.node == 0 ? 0 : in.byte();
  }
  switch (kind) {
    case kTxn:
      command.what = TRY(decode_txn(in));
      break;
    case kSessionTxn:
      command.what = TRY(decode_session_txn(in));
      break;
    case kGrantLease:
      command.what = GrantLease{in.varint()};
      break;
    case kEndLease:
      command.what = EndLease{in.varint()};
      break;
    case kOpenSession:
      command.what = OpenSession{};
      break;
    case kCompact:
      command.what = Compact{in.varint()};
      break;
    default:
      return malformed();
  }
  if (!in.ok() || !in.at_end()) return malformed();
  return command;
}

Status check_txn(const Txn& txn) {
  if (txn.compares.size() + txn.writes.size() + txn.otherwise.size() > kMaxTxnKeys)
    return Error{Code::kResourceExhausted,
                 "a transaction names at most " + std::to_string(kMaxTxnKeys) + " keys: split it", "state.txn-keys"};
  size_t bytes = bytes_of(txn.writes) + bytes_of(txn.otherwise);
  for (const Compare& compare : txn.compares) {
    TRY_STATUS(check_key(compare.key));
    bytes += compare.key.size() + compare.value.size();
  }
  if (bytes > kMaxTxnBytes)
    return Error{Code::kResourceExhausted,
                 "a transaction has at most " + std::to_string(kMaxTxnBytes) + " bytes: split it", "state.txn-bytes"};
  if (txn.session != 0 && txn.sequence == 0)
    return Error{Code::kInvalidArgument, "the sequence numbers of a session start at 1", "state.sequence"};
  TRY_STATUS(check_writes(txn.writes));
  return check_writes(txn.otherwise);
}

}  // namespace novacron::host::state
