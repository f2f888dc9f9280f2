// A peer's messages as hostile bytes: each is decoded, and what is a message goes into a core, which must stand it.
#include <cstdlib>
#include <string_view>

#include "host/raft/codec.h"
#include "host/raft/core.h"

using namespace novacron::host::raft;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

Core a_follower() {
  Core::Stored stored;
  stored.hard_state = {2, 0};
  for (NodeId node = 1; node <= 3; ++node) stored.snapshot.membership.members[node] = MemberRole::kVoter;
  for (Index index = 1; index <= 4; ++index) {
    stored.entries.push_back(std::make_shared<Entry>(Entry{1 + index / 3, index, EntryKind::kCommand, "x"}));
  }
  return Core::restore({1, 2, 4, 16, [] { return 0; }}, std::move(stored)).value();
}

void drive(Core& core) {
  const Ready ready = core.take_ready();
  for (const Message& message : ready.messages_when_durable) {
    if (message.to == core.node()) core.receive(message);
  }
}

}  // namespace

/// Messages one after the other, each with two bytes of length before it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  Core core = a_follower();
  while (rest.size() >= 2) {
    const size_t length = static_cast<uint8_t>(rest[0]) | static_cast<size_t>(static_cast<uint8_t>(rest[1])) << 8;
    const std::string_view bytes = rest.substr(2, length);
    rest.remove_prefix(2 + bytes.size());
    auto message = decode_message(bytes);
    if (!message.ok()) continue;
    const std::string encoded = encode(*message);
    const auto again = decode_message(encoded);
    require(again.ok() && encode(*again) == encoded);
    message->to = core.node();
    core.receive(std::move(message).value());
    core.tick();
    drive(core);
  }
  return 0;
}
