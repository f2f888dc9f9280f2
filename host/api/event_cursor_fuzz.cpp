// Cursors: what is read is written the same, so that one position has one text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/api/event_cursor.h"

namespace api = novacron::host::api;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cursor = api::parse_cursor(text);
  if (cursor.ok() && api::cursor_text(*cursor) != text) std::abort();
  if (!cursor.ok() && cursor.error().reason != "events.cursor") std::abort();
  return 0;
}
