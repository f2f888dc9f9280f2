// Messages between nodes as bytes: protobuf's wire format, so that nodes of two versions understand each other. A field
// that is not known is skipped, one that is missing is zero.
#pragma once

#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/raft/types.h"

namespace novacron::host::raft {

constexpr size_t kMaxMessageBytes = 8 * 1'024 * 1'024;
constexpr Index kMaxIndex = Index{1} << 62;  ///< of terms too: so adding to one that a peer names never overflows

/// A snapshot's image does not go with it: who sends it sends that in pieces.
std::string encode(const Message& message);

/// What comes out is what the core relies on: entries follow each other, terms do not fall, memberships can be read.
/// RESOURCE_EXHAUSTED "raft.message-too-large"; INVALID_ARGUMENT "raft.message" says what is wrong.
Result<Message> decode_message(std::string_view bytes);

}  // namespace novacron::host::raft
