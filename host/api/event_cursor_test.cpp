#include "host/api/event_cursor.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::api;

TEST_CASE("A cursor is read as it was written") {
  const bus::Cursor cursor{1'780'000'000'000'001, {42, 4'294'967'295}};
  const auto text = cursor_text(cursor);
  CHECK(text == "1780000000000001-42-4294967295");
  const auto read = parse_cursor(text).value();
  CHECK(read.sequence == cursor.sequence);
  CHECK(read.state == cursor.state);
}

TEST_CASE("What is no cursor is refused") {
  for (const char* text : {"", "1", "1-2", "1-2-3-4", "01-2-3", "1-2-", "-1-2-3", "1-2-4294967296", "+1-2-3", "1 -2-3",
                           "18446744073709551616-1-1", "a-b-c"}) {
    INFO(text);
    CHECK(parse_cursor(text).error().reason == "events.cursor");
  }
}
