// What arrives on a link as hostile bytes: cut at the places that the first byte names, the frames are the same; and
// each as a greeting.
#include <cstdlib>
#include <vector>

#include "host/cluster/frames.h"

using namespace novacron::host::cluster;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Fed `step` bytes at a time, until an error.
std::vector<std::string> frames_of(std::string_view bytes, size_t step) {
  std::vector<std::string> frames;
  FrameReader reader;
  while (!bytes.empty()) {
    reader.feed(bytes.substr(0, step));
    bytes.remove_prefix(std::min(step, bytes.size()));
    for (auto frame = reader.next(); !frame.ok() || *frame; frame = reader.next()) {
      if (!frame.ok()) return frames;
      frames.push_back(**std::move(frame));
    }
  }
  return frames;
}

void check_greeting(std::string_view bytes) {
  const auto greeting = decode_greeting(bytes);
  if (greeting.ok()) require(encode_greeting(*greeting) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = frames_of(bytes, bytes.size());
  require(frames_of(bytes, 1 + data[0]) == whole);
  for (const std::string& frame : whole) check_greeting(frame);
  check_greeting(bytes);
  std::string again;
  encode_frame(bytes.substr(0, kMaxFrameBytes), again);
  require(frames_of(again, 1 + data[0]) == std::vector<std::string>{std::string(bytes)});
  return 0;
}
