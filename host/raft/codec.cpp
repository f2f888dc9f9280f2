#include "host/raft/codec.h"

#include <algorithm>
#include <protozero/exception.hpp>
#include <protozero/pbf_message.hpp>
#include <protozero/pbf_writer.hpp>

#include "host/raft/core.h"
#include "host/raft/membership.h"

namespace novacron::host::raft {
namespace {

using Reader = protozero::pbf_reader;
using Writer = protozero::pbf_writer;

/// Field numbers: never put to another use.
enum Envelope : uint32_t { kFrom = 1, kTo = 2, kTerm = 3, kFirstBody = 16 };
enum Vote : uint32_t { kVoteKind = 1, kVoteIndex = 2, kVoteTerm = 3, kVoteGranted = 4 };
enum Append : uint32_t { kPreviousIndex = 1, kPreviousTerm = 2, kAppendCommit = 3, kAppendAttempt = 4, kEntry = 5 };
enum AppendAnswer : uint32_t { kAccepted = 1, kAgreedIndex = 2, kHintIndex = 3, kHintTerm = 4, kAnswerAttempt = 5 };
enum EntryField : uint32_t { kEntryTerm = 1, kEntryIndex = 2, kEntryKind = 3, kEntryPayload = 4 };
enum Beat : uint32_t { kBeatCommit = 1, kBeatRound = 2 };
enum Image : uint32_t { kImageIndex = 1, kImageTerm = 2, kImageMembers = 3 };
enum Read : uint32_t { kReadToken = 1, kReadIndex = 2 };

/// What a field's number and its wire type look like together: one of another type is not that field.
constexpr uint32_t number(uint32_t tag) {
  return protozero::tag_and_type(tag, protozero::pbf_wire_type::varint);
}
constexpr uint32_t bytes(uint32_t tag) {
  return protozero::tag_and_type(tag, protozero::pbf_wire_type::length_delimited);
}

Error malformed(std::string what) {
  return {Code::kInvalidArgument, "a peer's message is malformed: " + std::move(what), "raft.message"};
}

void write(Writer& out, const VoteRequest& body) {
  out.add_uint32(kVoteKind, static_cast<uint32_t>(body.kind));
  out.add_uint64(kVoteIndex, body.last_index);
  out.add_uint64(kVoteTerm, body.last_term);
}
void write(Writer& out, const VoteReply& body) {
  out.add_uint32(kVoteKind, static_cast<uint32_t>(body.kind));
  out.add_bool(kVoteGranted, body.granted);
}
void write(Writer& out, const AppendRequest& body) {
  out.add_uint64(kPreviousIndex, body.previous_index);
  out.add_uint64(kPreviousTerm, body.previous_term);
  out.add_uint64(kAppendCommit, body.commit);
  out.add_uint64(kAppendAttempt, body.attempt);
  for (const EntryPtr& entry : body.entries) {
    Writer inner(out, kEntry);
    inner.add_uint64(kEntryTerm, entry->term);
    inner.add_uint64(kEntryIndex, entry->index);
    inner.add_uint32(kEntryKind, static_cast<uint32_t>(entry->kind));
    inner.add_bytes(kEntryPayload, entry->payload);
  }
}
void write(Writer& out, const AppendReply& body) {
  out.add_bool(kAccepted, body.accepted);
  out.add_uint64(kAgreedIndex, body.index);
  out.add_uint64(kHintIndex, body.hint_index);
  out.add_uint64(kHintTerm, body.hint_term);
  out.add_uint64(kAnswerAttempt, body.attempt);
}
void write(Writer& out, const Heartbeat& body) {
  out.add_uint64(kBeatCommit, body.commit);
  out.add_uint64(kBeatRound, body.round);
}
void write(Writer& out, const HeartbeatReply& body) {
  out.add_uint64(kBeatRound, body.round);
}
void write(Writer& out, const SnapshotRequest& body) {
  out.add_uint64(kImageIndex, body.snapshot->index);
  out.add_uint64(kImageTerm, body.snapshot->term);
  out.add_bytes(kImageMembers, encode(body.snapshot->membership));
}
void write(Writer&, const TimeoutNow&) {}
void write(Writer& out, const ReadRequest& body) {
  out.add_uint64(kReadToken, body.token);
}
void write(Writer& out, const ReadReply& body) {
  out.add_uint64(kReadToken, body.token);
  out.add_uint64(kReadIndex, body.index);
}

Result<VoteKind> read_kind(uint32_t value) {
  if (value > static_cast<uint32_t>(VoteKind::kTransfer)) return malformed("there is no such kind of vote");
  return static_cast<VoteKind>(value);
}

Status read(Reader in, VoteRequest& out) {
  while (in.next()) {
    switch (in.tag_and_type()) {
      case number(kVoteKind):
        out.kind = TRY(read_kind(in.get_uint32()));
        break;
      case number(kVoteIndex):
        out.last_index = in.get_uint64();
        break;
      case number(kVoteTerm):
        out.last_term = in.get_uint64();
        break;
      default:
        in.skip();
    }
  }
  return {};
}

Status read(Reader in, VoteReply& out) {
  while (in.next()) {
    switch (in.tag_and_type()) {
      case number(kVoteKind):
        out.kind = TRY(read_kind(in.get_uint32()));
        break;
      case number(kVoteGranted):
        out.granted = in.get_uint64() != 0;
        break;
      default:
        in.skip();
    }
  }
  return {};
}

Result<EntryPtr> read_entry(Reader in) {
  auto entry = std::make_shared<Entry>();
  entry->kind = EntryKind::kNoop;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case number(kEntryTerm):
        entry->term = in.get_uint64();
        break;
      case number(kEntryIndex):
        entry->index = in.get_uint64();
        break;
      case number(kEntryKind): {
        const uint32_t kind = in.get_uint32();
        if (kind > static_cast<uint32_t>(EntryKind::kMembership)) return malformed("there is no such kind of entry");
        entry->kind = static_cast<EntryKind>(kind);
        break;
      }
      case bytes(kEntryPayload):
        entry->payload = in.get_string();
        break;
      default:
        in.skip();
    }
  }
  if (entry->payload.size() > kMaxEntryBytes) return malformed("an entry has more than 1 MiB");
  if (entry->kind == EntryKind::kMembership) (void)TRY(decode_membership(entry->payload));
  return EntryPtr(std::move(entry));
}

/// Each index one more than the one before, no term less.
Status check_order(const AppendRequest& append) {
  Index index = append.previous_index;
  Term term = append.previous_term;
  for (const EntryPtr& entry : append.entries) {
    if (entry->index != ++index) return malformed("its entries do not follow each other");
    if (entry->term < term) return malformed("the terms of its entries fall");
    term = entry->term;
  }
  return {};
}

Status read(Reader in, AppendRequest& out) {
  while (in.next()) {
    switch (in.tag_and_type()) {
      case number(kPreviousIndex):
        out.previous_index = in.get_uint64();
        break;
      case number(kPreviousTerm):
        out.previous_term = in.get_uint64();
        break;
      case number(kAppendCommit):
        out.commit = in.get_uint64();
        break;
      case number(kAppendAttempt):
        out.attempt = in.get_uint64();
        break;
      case bytes(kEntry):
        out.entries.push_back(TRY(read_entry(in.get_message())));
        break;
      default:
        in.skip();
    }
  }
  if (out.previous_index >= kMaxIndex) return malformed("an index is too large");
  return check_order(out);
}

Status read(Reader in, AppendReply& out) {
  while (in.next()) {
    switch (in.tag_and_type()) {
      case number(kAccepted):
        out.accepted = in.get_uint64() != 0;
        break;
      case number(kAgreedIndex):
        out.index = in.get_uint64();
        break;
      case number(kHintIndex):
        out.hint_index = in.get_uint64();
        break;
      case number(kHintTerm):
        out.hint_term = in.get_uint64();
        break;
      case number(kAnswerAttempt):
        out.attempt = in.get_uint64();
        break;
      default:
        in.skip();
    }
  }
  if (out.index >= kMaxIndex || out.hint_index >= kMaxIndex) return malformed("an index is too large");
  return {};
}

Status read(Reader in, Heartbeat& out) {
  while (in.next()) {
    switch (in.tag_and_type()) {
      case number(kBeatCommit):
        out.commit = in.get_uint64();
        break;
      case number(kBeatRound):
        out.round = in.get_uint64();
        break;
      default:
        in.skip();
    }
  }
  return {};
}

Status read(Reader in, HeartbeatReply& out) {
  while (in.next()) {
    if (in.tag_and_type() == number(kBeatRound)) {
      out.round = in.get_uint64();
    } else {
      in.skip();
    }
  }
  return {};
}

Status read(Reader in, SnapshotRequest& out) {
  auto snapshot = std::make_shared<Snapshot>();
  while (in.next()) {
    switch (in.tag_and_type()) {
      case number(kImageIndex):
        snapshot->index = in.get_uint64();
        break;
      case number(kImageTerm):
        snapshot->term = in.get_uint64();
        break;
      case bytes(kImageMembers):
        snapshot->membership = TRY(decode_membership(in.get_string()));
        break;
      default:
        in.skip();
    }
  }
  if (snapshot->index == 0 || snapshot->index >= kMaxIndex) return malformed("a snapshot's index is out of range");
  out.snapshot = std::move(snapshot);
  return {};
}

Status read(Reader in, TimeoutNow&) {
  while (in.next()) in.skip();
  return {};
}

Status read(Reader in, ReadRequest& out) {
  while (in.next()) {
    if (in.tag_and_type() == number(kReadToken)) {
      out.token = in.get_uint64();
    } else {
      in.skip();
    }
  }
  return {};
}

Status read(Reader in, ReadReply& out) {
  while (in.next()) {
    switch (in.tag_and_type()) {
      case number(kReadToken):
        out.token = in.get_uint64();
        break;
      case number(kReadIndex):
        out.index = in.get_uint64();
        break;
      default:
        in.skip();
    }
  }
  return {};
}

/// The body of kind `kind`, in the order of Message::body.
template <size_t kNumber = 0>
Status read_body(size_t kind, Reader in, Message& out) {
  if constexpr (kNumber == std::variant_size_v<decltype(out.body)>) {
    return malformed("it is of a kind that this version does not know");
  } else {
    if (kind != kNumber) return read_body<kNumber + 1>(kind, in, out);
    return read(in, out.body.emplace<kNumber>());
  }
}

Result<Message> decode(std::string_view encoded) {
  Message message;
  bool has_body = false;
  for (Reader in(encoded.data(), encoded.size()); in.next();) {
    switch (in.tag_and_type()) {
      case number(kFrom):
        message.from = in.get_uint64();
        break;
      case number(kTo):
        message.to = in.get_uint64();
        break;
      case number(kTerm):
        message.term = in.get_uint64();
        break;
      default: {
        if (in.tag() < kFirstBody || in.wire_type() != protozero::pbf_wire_type::length_delimited || has_body) {
          in.skip();
          break;
        }
        const size_t kind = in.tag() - kFirstBody;
        TRY_STATUS(read_body(kind, in.get_message(), message));
        has_body = true;
      }
    }
  }
  if (!has_body) return malformed("it has no body");
  if (message.from == 0 || message.to == 0) return malformed("it lacks its sender or its receiver");
  if (message.term >= kMaxIndex) return malformed("its term is too large");
  return message;
}

}  // namespace

std::string encode(const Message& message) {
  std::string out;
  Writer writer(out);
  writer.add_uint64(kFrom, message.from);
  writer.add_uint64(kTo, message.to);
  writer.add_uint64(kTerm, message.term);
  const uint32_t kind = kFirstBody + static_cast<uint32_t>(message.body.index());
  if (std::holds_alternative<TimeoutNow>(message.body)) {
    writer.add_message(kind, std::string());  // a nested writer leaves out what is empty
    return out;
  }
  Writer inner(writer, kind);
  std::visit([&](const auto& body) { write(inner, body); }, message.body);
  inner.commit();
  return out;
}

Result<Message> decode_message(std::string_view bytes) {
  if (bytes.size() > kMaxMessageBytes) {
    return Error{Code::kResourceExhausted, "a message between nodes has at most 8 MiB", "raft.message-too-large"};
  }
  try {
    return decode(bytes);
  } catch (const protozero::exception& thrown) {
    return malformed(thrown.what());
  }
}

}  // namespace novacron::host::raft
