#include "host/api/message_frames.h"

#include <catch2/catch.hpp>

using namespace novacron::host::api;

TEST_CASE("A message is framed with its kind and its length") {
  const std::string framed = frame_message(MessageKind::kText, std::string(300, 'x'));
  CHECK(framed.substr(0, 5) == std::string("\x01\x00\x00\x01\x2c", 5));
  const auto head = parse_message_head(framed.substr(0, 5));
  REQUIRE(head);
  CHECK(head->kind == MessageKind::kText);
  CHECK(head->size == 300);
}

TEST_CASE("What is no head of a message is none") {
  CHECK_FALSE(parse_message_head(""));
  CHECK_FALSE(parse_message_head(std::string(4, '\1')));
  CHECK_FALSE(parse_message_head(std::string("\x03\0\0\0\1", 5)));
  CHECK_FALSE(parse_message_head(std::string("\x01\0\x10\0\1", 5)));  // 1 MiB and one
  CHECK(parse_message_head(std::string("\x02\0\x10\0\0", 5))->size == kMaxPluginMessageBytes);
}

TEST_CASE("Texts are UTF-8, and an end has a code that may be sent") {
  CHECK(is_message({MessageKind::kText, "\xc3\xa4"}));
  CHECK_FALSE(is_message({MessageKind::kText, "\xff"}));
  CHECK(is_message({MessageKind::kBinary, "\xff"}));
  CHECK(is_message({MessageKind::kEnd, std::string("\x03\xe8", 2)}));
  CHECK(is_message({MessageKind::kEnd, std::string("\x0f\xa0", 2) + "why"}));
  for (const std::string& body : {std::string(), std::string("\x03", 1), std::string("\x03\xec", 2),
                                  std::string("\x03\xee", 2), std::string("\x00\x01", 2),
                                  std::string("\x03\xe8", 2) + std::string(124, 'x'), std::string("\x03\xe8\xff", 3)}) {
    CAPTURE(body);
    CHECK_FALSE(is_message({MessageKind::kEnd, body}));
  }
  const auto end = parse_message_end(format_message_end({4'000, "why"}));
  CHECK(end.code == 4'000);
  CHECK(end.reason == "why");
  CHECK(end_of_client(0, "").code == 1'005);
}
