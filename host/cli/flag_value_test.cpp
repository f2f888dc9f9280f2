#include "host/cli/flag_value.h"

#include <catch2/catch.hpp>

#include "host/cli/exit_code.h"

using namespace novacron::host::cli;

TEST_CASE("pairs are read in their order") {
  CHECK(*parse_pairs("name=root,size=10GiB") == Pairs{{"name", "root"}, {"size", "10GiB"}});
  CHECK(*parse_pairs("a=1,a=2,maker.name=x") == Pairs{{"a", "1"}, {"a", "2"}, {"maker.name", "x"}});
}

TEST_CASE("a key alone is true and an empty value is empty") {
  CHECK(*parse_pairs("read_only,x=") == Pairs{{"read_only", "true"}, {"x", ""}});
}

TEST_CASE("commas and quotes can be part of a value") {
  CHECK(*parse_pairs(R"(a="x,y",b=x\,y,c="say \"hi\"",d=k=v)") ==
        Pairs{{"a", "x,y"}, {"b", "x,y"}, {"c", "say \"hi\""}, {"d", "k=v"}});
}

TEST_CASE("what is no list of pairs is a wrong command line") {
  for (const char* wrong : {"", "=x", "a=1,", ",a=1", "a=\"x", "a=\"x\"y", "a=x\\", "a b=1"}) {
    CAPTURE(wrong);
    const auto pairs = parse_pairs(wrong);
    REQUIRE_FALSE(pairs.ok());
    CHECK(exit_code(pairs.error()) == ExitCode::kUsage);
  }
  CHECK_FALSE(parse_pairs("a=" + std::string(kMaxFlagValueBytes, 'x')).ok());
}

TEST_CASE("pairs that were written are read as they were") {
  const Pairs pairs = {{"a", "x,y\\\"=\n"}, {"b", ""}, {"c", "\"\""}};
  CHECK(*parse_pairs(format_pairs(pairs)) == pairs);
}

TEST_CASE("one pair is split at the first equals sign") {
  CHECK(*parse_pair("a=b=c,d") == std::make_pair(std::string("a"), std::string("b=c,d")));
  CHECK_FALSE(parse_pair("a").ok());
  CHECK_FALSE(parse_pair("=a").ok());
}
