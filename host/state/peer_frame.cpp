#include "host/state/peer_frame.h"

#include "host/raft/codec.h"
#include "host/raft/membership.h"
#include "host/state/coding.h"

namespace novacron::host::state {
namespace {

/// Never put to another use.
enum Kind : uint8_t {
  kMessage = 1,
  kForward = 2,
  kRefused = 3,
  kKeepLease = 4,
  kLeaseKept = 5,
  kOffer = 6,
  kWanted = 7,
  kChunk = 8,
};

Error malformed() {
  return {Code::kInvalidArgument, "what a node sent cannot be read", "state.peer-frame"};
}

void write_id(Writer& out, const SnapshotId& id) {
  out.varint(id.index);
  out.varint(id.term);
  out.varint(id.bytes);
  out.varint(id.checksum);
}

SnapshotId read_id(Reader& in) {
  SnapshotId id;
  id.index = in.varint();
  id.term = in.varint();
  id.bytes = in.varint();
  id.checksum = static_cast<uint32_t>(in.varint());
  return id;
}

struct Encoder {
  std::string& bytes;
  Writer out{bytes};

  void operator()(const raft::Message& message) {
    out.byte(kMessage);
    bytes += raft::encode(message);
  }
  void operator()(const Forward& forward) {
    out.byte(kForward);
    out.bytes(forward.command);
  }
  void operator()(const Refused& refused) {
    out.byte(kRefused);
    out.varint(refused.token);
    out.varint(static_cast<uint64_t>(refused.why.code));
    out.bytes(refused.why.message);
    out.bytes(refused.why.reason);
    out.varint(refused.why.retry_after_ns);
  }
  void operator()(const KeepLease& keep) {
    out.byte(kKeepLease);
    out.varint(keep.token);
    out.varint(keep.lease);
  }
  void operator()(const LeaseKept& kept) {
    out.byte(kLeaseKept);
    out.varint(kept.token);
    out.varint(kept.ttl_ms);
    out.byte(kept.leads ? 1 : 0);
  }
  void operator()(const SnapshotOffer& offer) {
    out.byte(kOffer);
    out.varint(offer.leader_term);
    write_id(out, offer.id);
    out.bytes(raft::encode(offer.members));
  }
  void operator()(const SnapshotWanted& wanted) {
    out.byte(kWanted);
    write_id(out, wanted.id);
    out.varint(wanted.offset);
  }
  void operator()(const SnapshotChunk& chunk) {
    out.byte(kChunk);
    write_id(out, chunk.id);
    out.varint(chunk.offset);
    out.bytes(chunk.bytes);
  }
};

Refused read_refused(Reader& in) {
  Refused refused;
  refused.token = in.varint();
  const uint64_t code = in.varint();
  const bool is_known = code > 0 && code <= static_cast<uint64_t>(Code::kUnauthenticated);
  refused.why.code = is_known ? static_cast<Code>(code) : Code::kUnknown;
  refused.why.message = in.bytes();
  refused.why.reason = in.bytes();
  refused.why.retry_after_ns = in.varint();
  return refused;
}

Result<SnapshotOffer> read_offer(Reader& in) {
  SnapshotOffer offer;
  offer.leader_term = in.varint();
  offer.id = read_id(in);
  offer.members = TRY(raft::decode_membership(in.bytes()));
  const bool is_in_range = offer.id.index > 0 && offer.id.index < raft::kMaxIndex && offer.id.term < raft::kMaxIndex &&
                           offer.leader_term < raft::kMaxIndex;
  if (!is_in_range) return malformed();
  return offer;
}

Result<PeerFrame> read_body(uint8_t kind, Reader& in) {
  switch (kind) {
    case kForward:
      return PeerFrame(Forward{std::string(in.bytes())});
    case kRefused:
      return PeerFrame(read_refused(in));
    case kKeepLease: {
      const uint64_t token = in.varint();
      return PeerFrame(KeepLease{token, in.varint()});
    }
    case kLeaseKept: {
      LeaseKept kept;
      kept.token = in.varint();
      kept.ttl_ms = in.varint();
      kept.leads = in.byte() != 0;
      return PeerFrame(kept);
    }
    case kOffer:
      return PeerFrame(TRY(read_offer(in)));
    case kWanted: {
      const SnapshotId id = read_id(in);
      return PeerFrame(SnapshotWanted{id, in.varint()});
    }
    case kChunk: {
      const SnapshotId id = read_id(in);
      const uint64_t offset = in.varint();
      return PeerFrame(SnapshotChunk{id, offset, std::string(in.bytes())});
    }
    default:
      return malformed();
  }
}

}  // namespace

std::string encode_frame(const PeerFrame& frame) {
  std::string bytes;
  std::visit(Encoder{bytes}, frame);
  return bytes;
}

Result<PeerFrame> decode_frame(std::string_view bytes) {
  Reader in(bytes);
  const uint8_t kind = in.byte();
  if (kind == kMessage) return PeerFrame(TRY(raft::decode_message(bytes.substr(1))));
  auto frame = read_body(kind, in);
  if (frame.ok() && !in.ok()) return malformed();
  return frame;
}

}  // namespace novacron::host::state
