// Frames and what is in them come from a process that a plugin may have taken over.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/sandbox/abi_wire.h"
#include "host/sandbox/frame.h"

namespace {

using namespace novacron::host::sandbox;

/// What may be in a lane's: the end of a message, and what is no message.
constexpr char kBytes[] = "\1\0\0\0\0\4\0\0\0body\0\0\xff\xff\xff\xff\1\2\3";
constexpr std::string_view kMemory(kBytes, sizeof(kBytes) - 1);

/// What a reader gives must lie in what it reads.
void read_all(const std::string& payload) {
  const auto inside = [&payload](const nc_str& text) {
    if (text.len > payload.size()) std::abort();
  };
  In services(payload);
  const auto service = get_service(services);
  if (service->methods.size() > payload.size()) std::abort();
  for (const nc_method& method : service->methods) inside(method.name);
  In results(payload);
  const ResultIn result = get_result(results);
  inside(result.abi.reason);
  inside(result.abi.text);
  In requests(payload);
  const RequestIn request = get_request(requests);
  inside(request.abi.node);
  if (request.message.abi.body.len > payload.size()) std::abort();
  In events(payload);
  inside(get_event(events).subject);
  In callers(payload);
  inside(get_caller(callers).lease);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Packet packet{std::string(reinterpret_cast<const char*>(data), size), {}};
  auto frame = decode(std::move(packet), kMemory);
  if (!frame.ok()) {
    if (frame.error().reason != "sandbox.frame") std::abort();
    return 0;
  }
  read_all(frame->payload);
  const auto again = encode(std::move(*frame));
  if (!again.ok()) std::abort();
  return 0;
}
