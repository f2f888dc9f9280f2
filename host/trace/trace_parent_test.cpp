#include "host/trace/trace_parent.h"

#include <catch2/catch.hpp>

using namespace novacron::host::trace;

TEST_CASE("a trace parent is read and written as W3C has it") {
  const std::string text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const auto context = parse_trace_parent(text);
  REQUIRE(context);
  CHECK(context->recorded());
  CHECK(format_trace_parent(*context) == text);
  CHECK(says_sampled(text));
  CHECK_FALSE(parse_trace_parent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")->recorded());
  CHECK(parse_trace_parent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff")->recorded());
}

TEST_CASE("what is no trace parent is none") {
  for (const char* text : {"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                           "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
                           "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_trace_parent(text));
  }
  CHECK_FALSE(says_sampled(""));
  CHECK_FALSE(says_sampled("1"));
}
