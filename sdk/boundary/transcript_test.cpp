#include "sdk/boundary/transcript.h"

#include <catch2/catch.hpp>

using namespace novacron::boundary;

TEST_CASE("a record comes back from its line as it was") {
  const Record record{
      .at = "host.finish",
      .lane = 7,
      .fields = {{"code", uint64_t{0}}, {"call", std::string("call-1")}, {"body", std::string("\n\x03you\0\xff", 7)}}};
  const auto again = parse_record(to_line(record));
  REQUIRE(again);
  CHECK(*again == record);
}

TEST_CASE("what is no record is refused") {
  for (const char* line : {"", "[]", "{}", R"({"at":3})", R"({"at":"x","lane":-1})", R"({"at":"x","b":"plain"})",
                           R"({"at":"x","b":"hex:0"})", R"({"at":"x","b":"hex:0g"})", R"({"at":"x","b":[1]})"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_record(line));
  }
}

TEST_CASE("ids are named by their first appearance, each kind by itself") {
  Transcript transcript;
  CHECK(transcript.name_of("call", 900) == "call-1");
  CHECK(transcript.name_of("timer", 900) == "timer-1");
  CHECK(transcript.name_of("call", 5) == "call-2");
  CHECK(transcript.name_of("call", 900) == "call-1");
  CHECK(transcript.name_of("call", 0) == "none");
}
