// Frames of other nodes' engines as hostile bytes: what is read is written and read again as the same; a command that
// is forwarded is decoded too.
#include <cstdlib>

#include "host/state/command.h"
#include "host/state/peer_frame.h"

using namespace novacron::host::state;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto frame = decode_frame({reinterpret_cast<const char*>(data), size});
  if (!frame.ok()) return 0;
  const std::string bytes = encode_frame(*frame);
  const auto again = decode_frame(bytes);
  if (!again.ok() || encode_frame(*again) != bytes) std::abort();
  if (const auto* forward = std::get_if<Forward>(&*frame)) (void)decode_command(forward->command);
  return 0;
}
