// Where a host is, as people write it: what is taken goes into a Host header and is written so that it reads the same;
// and queries, whatever their values are, keep their form.
#include "host/cli/url.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/cli/exit_code.h"

using namespace novacron::host::cli;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_printable(char c) {
  return c > ' ' && c < '\x7f';
}

void check_endpoint(std::string_view text) {
  const auto endpoint = parse_endpoint(text);
  if (!endpoint.ok()) return require(exit_code(endpoint.error()) == ExitCode::kUsage);
  const std::string authority = endpoint->authority();
  require(!authority.empty() && std::all_of(authority.begin(), authority.end(), is_printable));
  const auto again = parse_endpoint(endpoint->text());
  require(again.ok() && again->kind == endpoint->kind && again->host == endpoint->host &&
          again->port == endpoint->port && again->socket_path == endpoint->socket_path);
}

void check_query(std::string_view text) {
  const std::string value(text);
  const std::string path = with_query("/v1", {{"a", value}, {"b", "c"}});
  require(std::all_of(path.begin(), path.end(), is_printable) && path.find('#') == std::string::npos);
  require(std::count(path.begin(), path.end(), '?') == 1);
  require(std::count(path.begin(), path.end(), '=') == (value.empty() ? 1 : 2));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_endpoint(text);
  check_query(text);
  return 0;
}
