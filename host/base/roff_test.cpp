#include "host/base/roff.h"

#include <catch2/catch.hpp>

using namespace novacron::host;

TEST_CASE("nothing in a text is a request or an escape of roff") {
  CHECK(roff_text(".TH at the start\n'br and\\fB --flag") == "\\&.TH at the start\n\\&\\(aqbr and\\efB \\-\\-flag");
  CHECK(roff_text("a. 'b' `c` ^ ~") == "a. \\(aqb\\(aq \\(gac\\(ga \\(ha \\(ti");
  CHECK(roff_text("one\n\ntwo") == "one\n.PP\ntwo");
  CHECK(roff_text("").empty());
}

TEST_CASE("an argument stays one, whatever is in it") {
  CHECK(roff_argument("say \"a\"\nb") == "\"say \\(dqa\\(dq b\"");
}

TEST_CASE("an entry has its term, its value and its text") {
  CHECK(roff_entry("--lines", "N", "how many") == ".TP\n\\fB\\-\\-lines\\fR \\fIN\\fR\nhow many\n");
  CHECK(roff_entry("list", "", "") == ".TP\n\\fBlist\\fR\n\\&\n");
}

TEST_CASE("literal lines stay lines") {
  CHECK(roff_literal("a -b\n.c\n") == ".nf\na \\-b\n\\&.c\n.fi\n");
  CHECK(roff_literal("a\n\nb") == ".nf\na\n\nb\n.fi\n");
}
