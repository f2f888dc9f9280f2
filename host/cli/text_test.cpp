#include "host/cli/text.h"

#include <catch2/catch.hpp>

#include "host/cli/table.h"

using namespace novacron::host::cli;

TEST_CASE("width counts columns, not bytes") {
  CHECK(text_width("abc") == 3);
  CHECK(text_width("é") == 1);
  CHECK(text_width("日本") == 4);
  CHECK(text_width("e\xcc\x81") == 1);
  CHECK(text_width("\xff\xfe") == 2);
  CHECK(text_width("🙂") == 2);
}

TEST_CASE("what a host sends cannot steer the terminal") {
  CHECK(printable("a\x1b[31mb\n\t\x7f") == "a\\x1b[31mb\\n\\t\\x7f");
  CHECK(printable("\xc2\x9b"
                  "1m") == "\\x9b1m");
  CHECK(printable("a\xe2\x80\xae"
                  "b") == "a\\u202eb");
  CHECK(printable("\xff") == "\xef\xbf\xbd");
  CHECK(printable("日本é") == "日本é");
  CHECK(printable_lines("a\n\tb\x1b") == "a\n\tb\\x1b");
}

TEST_CASE("text is wrapped at spaces and indented") {
  CHECK(wrap_text("one two three four", 9, 2) == "one two\n  three\n  four");
  CHECK(wrap_text("a\nb", 20, 1) == "a\n b");
  CHECK(wrap_text("unbreakable", 3, 2) == "unbreakable");
}

TEST_CASE("a table is aligned by width and has no spaces at line ends") {
  const Table table{{"NAME", "CITY", "NOTE"}, {{"a", "日本", ""}, {"longer", "é", "x\ny"}}};
  CHECK(render_table(table) ==
        "NAME     CITY   NOTE\n"
        "a        日本   -\n"
        "longer   é      x\\ny\n");
  CHECK(render_table({{"NAME"}, {}}) == "NAME\n");
}

TEST_CASE("csv quotes what needs it and disarms formulas") {
  CHECK(render_csv({{"A", "B"}, {{"x,y", "say \"hi\""}, {"", "two\nlines"}, {"=1+1", "-5"}, {"-x", "@a"}}}) ==
        "A,B\n\"x,y\",\"say \"\"hi\"\"\"\n,\"two\nlines\"\n'=1+1,-5\n'-x,'@a\n");
}
