// Events of any bytes: their text is one line of JSON that gives the body back, whatever that is.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "host/api/event_texts.h"
#include "host/contract/base64.h"

namespace api = novacron::host::api;
using nlohmann::json;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  novacron::host::bus::Event event;
  event.subject = bytes.substr(0, bytes.find('\n'));
  event.body = std::make_shared<const std::string>(bytes);
  const auto text = api::event_text(event, "/v1/nodes/n1");
  require(text.find('\n') == std::string::npos && text.find('\r') == std::string::npos);
  const auto written = json::parse(text, nullptr, false);
  require(written.is_object());
  const auto body = json::parse(bytes, nullptr, false);
  if (written.contains("data")) {
    require(written["data"] == body || written["data"].dump() == body.dump());
  } else if (written.contains("data_base64")) {
    const bool is_odd = bytes.starts_with("\xEF\xBB\xBF") || bytes.find('\0') != std::string::npos;
    require(body.is_discarded() || is_odd);
    require(written["data_base64"] == novacron::host::contract::base64_encode(bytes));
  } else {
    require(bytes.empty());
  }
  return 0;
}
