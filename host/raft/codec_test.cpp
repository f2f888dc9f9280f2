#include "host/raft/codec.h"

#include <catch2/catch.hpp>
#include <protozero/pbf_writer.hpp>

#include "host/raft/core.h"
#include "host/raft/membership.h"

using namespace novacron::host::raft;

namespace {

EntryPtr entry(Term term, Index index, EntryKind kind = EntryKind::kCommand, std::string payload = "x") {
  return std::make_shared<Entry>(Entry{term, index, kind, std::move(payload)});
}

const Membership kPair{{{1, MemberRole::kVoter}, {2, MemberRole::kWitness}}};

std::vector<Message> one_of_each() {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->index = 7;
  snapshot->term = 3;
  snapshot->membership = kPair;
  return {
      {1, 2, 9, VoteRequest{VoteKind::kTransfer, 5, 4}},
      {1, 2, 9, VoteReply{VoteKind::kPre, true}},
      {1, 2, 9,
       AppendRequest{
           4,
           2,
           3,
           {entry(2, 5), entry(3, 6, EntryKind::kMembership, encode(kPair)), entry(3, 7, EntryKind::kNoop, "")},
           8}},
      {1, 2, 9, AppendReply{false, 8, 6, 2, 5}},
      {1, 2, 9, Heartbeat{3, 11}},
      {1, 2, 9, HeartbeatReply{11}},
      {1, 2, 9, SnapshotRequest{snapshot}},
      {1, 2, 9, TimeoutNow{}},
      {1, 2, 9, ReadRequest{UINT64_MAX}},
      {1, 2, 9, ReadReply{UINT64_MAX, 4}},
  };
}

std::string refusal(const std::string& bytes) {
  const auto decoded = decode_message(bytes);
  return decoded.ok() ? "" : decoded.error().reason;
}

}  // namespace

TEST_CASE("Every kind of message comes back from its bytes") {
  for (const Message& message : one_of_each()) {
    const std::string bytes = encode(message);
    const auto decoded = decode_message(bytes);
    REQUIRE(decoded.ok());
    CHECK(decoded->body.index() == message.body.index());
    CHECK(encode(*decoded) == bytes);
  }
}

TEST_CASE("Entries and a snapshot's members come back whole") {
  const auto messages = one_of_each();
  const auto append = std::get<AppendRequest>(decode_message(encode(messages[2])).value().body);
  REQUIRE(append.entries.size() == 3);
  CHECK(append.entries[1]->kind == EntryKind::kMembership);
  CHECK(append.entries[2]->index == 7);
  CHECK(append.attempt == 8);
  const auto request = std::get<SnapshotRequest>(decode_message(encode(messages[6])).value().body);
  CHECK(request.snapshot->membership == kPair);
  CHECK(request.snapshot->image == nullptr);
}

TEST_CASE("Entries out of order, falling terms and members that cannot be read are refused") {
  const auto append = [](Entries entries) {
    return encode(Message{1, 2, 9, AppendRequest{4, 2, 3, std::move(entries), 0}});
  };
  CHECK(refusal(append({entry(2, 6)})) == "raft.message");
  CHECK(refusal(append({entry(2, 5), entry(2, 5)})) == "raft.message");
  CHECK(refusal(append({entry(1, 5)})) == "raft.message");
  CHECK(refusal(append({entry(2, 5, EntryKind::kMembership, "?")})) == "raft.membership");
  CHECK(refusal(append({entry(2, 5, EntryKind::kCommand, std::string(kMaxEntryBytes + 1, 'x'))})) == "raft.message");
}

TEST_CASE("Numbers that could overflow, and messages from nobody, are refused") {
  CHECK(refusal(encode(Message{1, 2, kMaxIndex, TimeoutNow{}})) == "raft.message");
  CHECK(refusal(encode(Message{0, 2, 1, TimeoutNow{}})) == "raft.message");
  CHECK(refusal(encode(Message{1, 2, 1, AppendRequest{kMaxIndex, 1, 0, {}, 0}})) == "raft.message");
  CHECK(refusal(encode(Message{1, 2, 1, AppendReply{true, kMaxIndex, 0, 0, 0}})) == "raft.message");
}

TEST_CASE("What a later version adds is skipped; a kind that it adds is refused") {
  std::string bytes = encode(Message{1, 2, 9, TimeoutNow{}});
  protozero::pbf_writer more(bytes);
  more.add_string(9, "of a later version");
  CHECK(refusal(bytes).empty());
  std::string other;
  protozero::pbf_writer writer(other);
  writer.add_uint64(1, 1);
  writer.add_uint64(2, 2);
  writer.add_message(99, std::string());
  CHECK(refusal(other) == "raft.message");
}

TEST_CASE("What is cut short or too large is refused") {
  const std::string bytes = encode(one_of_each()[2]);
  for (size_t length = 0; length < bytes.size(); ++length) CHECK_FALSE(refusal(bytes.substr(0, length)).empty());
  CHECK(refusal(std::string(kMaxMessageBytes + 1, '\0')) == "raft.message-too-large");
}
