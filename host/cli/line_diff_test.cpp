#include "host/cli/line_diff.h"

#include <catch2/catch.hpp>

using namespace novacron::host::cli;

TEST_CASE("equal texts do not differ") {
  CHECK(line_diff("a\nb\n", "a\nb\n", Paint::kPlain).empty());
}

TEST_CASE("a changed line is shown with its neighbours and its place") {
  CHECK(line_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", Paint::kPlain) ==
        "@@ -2 +2 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST_CASE("changes far apart are shown apart") {
  const std::string before = "a\n1\n2\n3\n4\n5\n6\n7\n8\nz\n";
  const std::string after = "A\n1\n2\n3\n4\n5\n6\n7\n8\nz\nnew\n";
  CHECK(line_diff(before, after, Paint::kPlain) == "@@ -1 +1 @@\n-a\n+A\n 1\n 2\n 3\n@@ -8 +8 @@\n 7\n 8\n z\n+new\n");
}

TEST_CASE("a text that is new or gone differs in every line") {
  CHECK(line_diff("", "a\nb\n", Paint::kPlain) == "@@ -1 +1 @@\n+a\n+b\n");
  CHECK(line_diff("a\n", "", Paint::kPlain) == "@@ -1 +1 @@\n-a\n");
}

TEST_CASE("huge texts are compared without huge memory") {
  std::string before, after;
  for (int i = 0; i < 3000; ++i) {
    before += "a\n";
    after += "b\n";
  }
  CHECK(line_diff(before, after, Paint::kPlain).size() > before.size());
}

TEST_CASE("colours are for terminals") {
  CHECK(line_diff("a\n", "b\n", Paint::kColors) == "@@ -1 +1 @@\n\x1b[31m-a\x1b[0m\n\x1b[32m+b\x1b[0m\n");
}
