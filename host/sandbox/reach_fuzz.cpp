// Network permissions come from manifests, addresses from plugins.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "host/sandbox/reach.h"

using namespace novacron::host::sandbox;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(text.find('\n'), text.size());
  const auto reach = Reach::parse(text.substr(0, line));
  if (!reach.ok()) return 0;
  const std::string rest = text.substr(std::min(line + 1, text.size()));
  SocketAddress address;
  address.size = static_cast<socklen_t>(std::min(rest.size(), sizeof(address.storage)));
  std::memcpy(&address.storage, rest.data(), address.size);
  const auto target = reach->target(address);
  // Nothing that was not granted, and one line for each name and kind of address.
  if (target && !target->name.empty() && text.find(target->name) == std::string::npos) std::abort();
  const std::string hosts = reach->hosts_file();
  if (std::count(hosts.begin(), hosts.end(), '\n') > static_cast<ptrdiff_t>(2 * kMaxDestinations + 2)) std::abort();
  (void)text_of(address);
  return 0;
}
