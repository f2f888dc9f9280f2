#include "host/base/semver.h"

#include <catch2/catch.hpp>

using namespace novacron::host;

namespace {
Version version(std::string_view text) {
  auto parsed = Version::parse(text);
  INFO(text);
  REQUIRE(parsed.ok());
  return std::move(parsed).value();
}
bool in(std::string_view range, std::string_view text) {
  auto parsed = VersionRange::parse(range);
  INFO(range);
  REQUIRE(parsed.ok());
  return parsed->contains(version(text));
}
}  // namespace

TEST_CASE("what is no version is refused") {
  for (const char* text : {"", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "v1.2.3", "1.2.3-", "1.2.3-a..b", "1.2.3+",
                           "1.2.3-a_b", "4294967296.0.0", " 1.2.3", "-1.2.3"}) {
    INFO(text);
    const auto parsed = Version::parse(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().reason == "version.invalid");
  }
  CHECK_FALSE(Version::parse("1.2.3-" + std::string(128, 'a')).ok());
}

TEST_CASE("a version keeps all its parts") {
  CHECK(version("1.20.3-rc.1+build.5").to_string() == "1.20.3-rc.1+build.5");
  CHECK(version("0.0.0").to_string() == "0.0.0");
}

TEST_CASE("versions are ordered as semver.org says") {
  const char* ascending[] = {"1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
                             "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",       "1.0.0",
                             "1.0.1",        "1.2.0",         "1.10.0",           "2.0.0"};
  for (size_t i = 0; i + 1 < std::size(ascending); ++i) {
    INFO(ascending[i]);
    CHECK(version(ascending[i]) < version(ascending[i + 1]));
  }
  CHECK(version("1.0.0+a") == version("1.0.0+b"));
}

TEST_CASE("what is no range is refused") {
  for (const char* text : {"", " ", ">", "1", "^1.0.0", "~1.0.0", ">=1.0", "=>1.0.0", ">=1.0.0,<2.0.0", "* 1.0.0"}) {
    INFO(text);
    const auto parsed = VersionRange::parse(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().reason == "version.invalid-range");
  }
}

TEST_CASE("a range holds when all its comparators do") {
  CHECK(in(">=1.0.0 <2.0.0", "1.0.0"));
  CHECK(in(">=1.0.0 <2.0.0", "1.99.0"));
  CHECK_FALSE(in(">=1.0.0 <2.0.0", "2.0.0"));
  CHECK_FALSE(in(">=1.0.0 <2.0.0", "0.9.9"));
  CHECK(in("1.2.3", "1.2.3+other"));
  CHECK_FALSE(in("=1.2.3", "1.2.4"));
  CHECK(in("<=1.2.3", "1.2.3"));
  CHECK_FALSE(in(">1.2.3", "1.2.3"));
  CHECK(in("*", "0.0.1"));
}

TEST_CASE("a pre-release is in a range only where the range names one of the same version") {
  CHECK_FALSE(in(">=1.0.0 <2.0.0", "2.0.0-rc.1"));
  CHECK_FALSE(in("*", "1.0.0-rc.1"));
  CHECK(in(">=1.0.0-rc.1 <2.0.0", "1.0.0-rc.2"));
  CHECK_FALSE(in(">=1.0.0-rc.1 <2.0.0", "1.1.0-rc.2"));
}
