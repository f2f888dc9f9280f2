#include "host/cli/terminal.h"

#include <catch2/catch.hpp>

using namespace novacron::host::cli;

TEST_CASE("a text is found however the stream was cut") {
  TextFinder finder("login:");
  CHECK_FALSE(finder.see("last lo"));
  CHECK_FALSE(finder.see("g"));
  CHECK_FALSE(finder.see("in"));
  CHECK(finder.see(": "));
  CHECK(finder.see("more"));
}

TEST_CASE("a text is found in one piece, and an empty one never") {
  CHECK(TextFinder("b").see("abc"));
  CHECK_FALSE(TextFinder("").see("abc"));
  TextFinder repeated("aab");
  CHECK_FALSE(repeated.see("aa"));
  CHECK(repeated.see("ab"));
}
