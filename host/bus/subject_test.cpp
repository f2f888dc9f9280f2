#include "host/bus/subject.h"

#include <string>

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::bus;

TEST_CASE("subjects that are not well formed are refused") {
  const std::string too_long(kMaxSubjectBytes + 1, 'a');
  const std::string too_deep = "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17";
  for (const std::string& bad :
       {std::string(), std::string("."), std::string("a."), std::string(".a"), std::string("a..b"), std::string("a b"),
        std::string("a.*"), std::string("a.>"), std::string("a\0b", 3), too_long, too_deep}) {
    INFO(bad);
    CHECK(check_subject(bad).error().reason == "bus.subject");
  }
  CHECK(check_subject("plugin.failed"));
  CHECK(check_subject("A-b_9"));
  CHECK(check_subject("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16"));
}

TEST_CASE("patterns take '*' for a whole token and '>' only at the end") {
  for (const char* bad : {"", "a.>.b", ">.a", "a*", "a.b>", "**", "a..*"}) {
    INFO(bad);
    CHECK(check_pattern(bad).error().reason == "bus.pattern");
  }
  for (const char* good : {"*", ">", "a.*.b", "*.*", "a.>", "*.>"}) CHECK(check_pattern(good));
}

TEST_CASE("a pattern matches token by token") {
  CHECK(matches("a.b", "a.b"));
  CHECK_FALSE(matches("a.b", "a.b.c"));
  CHECK_FALSE(matches("a.b.c", "a.b"));
  CHECK(matches("a.*", "a.b"));
  CHECK_FALSE(matches("a.*", "a"));
  CHECK_FALSE(matches("a.*", "a.b.c"));
  CHECK(matches("*.b", "a.b"));
  CHECK(matches(">", "a"));
  CHECK(matches("a.>", "a.b.c"));
  CHECK_FALSE(matches("a.>", "a"));
  CHECK_FALSE(matches("a.>", "ab.c"));
  CHECK_FALSE(matches("a", "ab"));
}

TEST_CASE("what a pattern covers, it matches") {
  CHECK(covers("a.>", "a.*.c"));
  CHECK(covers("a.>", "a.>"));
  CHECK(covers("*.b", "a.b"));
  CHECK(covers(">", "*"));
  CHECK_FALSE(covers("*", ">"));
  CHECK_FALSE(covers("a.*", "a.>"));
  CHECK_FALSE(covers("a.b", "a.*"));
  CHECK_FALSE(covers("a.>", ">"));
  const char* patterns[] = {"a", "b", "*", ">", "a.b", "a.*", "*.b", "*.*", "a.>", "*.>", "a.b.c", "a.*.c", "a.b.>"};
  const char* subjects[] = {"a", "b", "a.b", "b.b", "a.c", "a.b.c", "a.c.c", "a.b.c.d", "b.a"};
  for (const char* wide : patterns)
    for (const char* narrow : patterns)
      for (const char* subject : subjects) {
        INFO(wide << " covers " << narrow << ", subject " << subject);
        if (covers(wide, narrow) && matches(narrow, subject)) CHECK(matches(wide, subject));
      }
}
