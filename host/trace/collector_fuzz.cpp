// What a collector answers, and where the settings say that it is.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/trace/endpoint.h"
#include "host/trace/http_transport.h"
#include "host/trace/otlp.h"

using namespace novacron::host;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)trace::rejected_spans(text);
  (void)trace::parse_retry_after(text, 1'700'000'000'000'000'000);
  const auto endpoint = trace::parse_endpoint(text);
  if (endpoint.ok()) {
    require(endpoint->target.starts_with('/') && !endpoint->host.empty() && !endpoint->port.empty());
    require((endpoint->authority() + endpoint->target).find_first_of("\r\n\t ") == std::string::npos);
  }
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && trace::check_header(text.substr(0, colon), text.substr(colon + 1)).ok())
    require(text.find_first_of("\r\n") == std::string_view::npos);
  return 0;
}
