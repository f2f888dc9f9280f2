#include "host/contract/units.h"

#include <catch2/catch.hpp>

#include "host/contract/base64.h"
#include "host/contract/time_text.h"

namespace novacron::host::contract {

TEST_CASE("bytes, durations and CPUs are read with their units") {
  const auto read = [](Unit unit, std::string_view text) {
    const auto value = parse_with_unit(unit, text);
    return value.ok() ? std::to_string(*value) : "refused";
  };
  CHECK(read(Unit::kBytes, "512MiB") == "536870912");
  CHECK(read(Unit::kBytes, "2G") == "2000000000");
  CHECK(read(Unit::kBytes, "1.5GiB") == "1610612736");
  CHECK(read(Unit::kBytes, "4096") == "4096");
  CHECK(read(Unit::kBytes, "18446744073709551615") == "18446744073709551615");
  CHECK(read(Unit::kBytes, "18446744073709551616") == "refused");
  CHECK(read(Unit::kBytes, "0.3") == "refused");
  CHECK(read(Unit::kBytes, "-1") == "refused");
  CHECK(read(Unit::kBytes, "") == "refused");
  CHECK(read(Unit::kBytes, "1XB") == "refused");
  CHECK(read(Unit::kBytes, "1MiB2") == "refused");
  CHECK(read(Unit::kDuration, "30s") == "30000000000");
  CHECK(read(Unit::kDuration, "1h30m") == "5400000000000");
  CHECK(read(Unit::kDuration, "1.5s") == "1500000000");
  CHECK(read(Unit::kDuration, "30") == "refused");
  CHECK(read(Unit::kDuration, "0.5ns") == "refused");
  CHECK(read(Unit::kCpu, "2") == "2000");
  CHECK(read(Unit::kCpu, "0.5") == "500");
  CHECK(read(Unit::kCpu, "500m") == "500");
  CHECK(read(Unit::kCpu, "0.0001") == "refused");
}

TEST_CASE("what is formatted with a unit reads back as the same number") {
  for (const Unit unit : {Unit::kBytes, Unit::kDuration, Unit::kCpu}) {
    for (const uint64_t number :
         {0ull, 1ull, 500ull, 1'000ull, 536'870'912ull, 5'400'000'000'000ull, 18'446'744'073'709'551'615ull}) {
      CAPTURE(format_with_unit(unit, number));
      CHECK(parse_with_unit(unit, format_with_unit(unit, number)).value() == number);
    }
  }
  CHECK(format_with_unit(Unit::kDuration, 5'400'000'000'000) == "1h30m");
  CHECK(format_with_unit(Unit::kBytes, 536'870'912) == "512MiB");
}

TEST_CASE("timestamps are RFC 3339") {
  CHECK(parse_timestamp("1970-01-01T00:00:00Z") == SecondsAndNanos{0, 0});
  CHECK(parse_timestamp("2026-01-02T03:04:05.5+02:00") == SecondsAndNanos{1'767'315'845, 500'000'000});
  CHECK(parse_timestamp("0001-01-01T00:00:00Z") == SecondsAndNanos{-62'135'596'800, 0});
  CHECK(parse_timestamp("9999-12-31T23:59:59.999999999Z") == SecondsAndNanos{253'402'300'799, 999'999'999});
  for (const auto* bad : {"", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "2026-01-01",
                          "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.0000000001Z", "0000-01-01T00:00:00Z",
                          "2026-13-01T00:00:00Z", "2026-01-01T00:00:00Zx", "2026-1-01T00:00:00Z"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_timestamp(bad).has_value());
  }
  CHECK(format_timestamp({1'767'315'845, 500'000'000}) == "2026-01-02T01:04:05.5Z");
  CHECK(format_timestamp({-1, 1}) == "1969-12-31T23:59:59.000000001Z");
  CHECK(format_timestamp({253'402'300'800, 0}).empty());
}

TEST_CASE("durations are seconds with an s") {
  CHECK(parse_duration_seconds("1.5s") == SecondsAndNanos{1, 500'000'000});
  CHECK(parse_duration_seconds("-0.000000001s") == SecondsAndNanos{0, -1});
  CHECK(format_duration_seconds({-1, -500'000'000}) == "-1.5s");
  for (const auto* bad : {"", "s", "1", "1.s", "1m", "--1s", "999999999999s"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration_seconds(bad).has_value());
  }
}

TEST_CASE("base64 reads what it writes, both alphabets, and nothing else") {
  CHECK(base64_encode("") == "");
  CHECK(base64_encode("f") == "Zg==");
  CHECK(base64_encode("fo") == "Zm8=");
  CHECK(base64_encode("foo") == "Zm9v");
  CHECK(base64_decode("Zg==") == "f");
  CHECK(base64_decode("Zg") == "f");
  CHECK(base64_decode("-_-_") == base64_decode("+/+/"));
  for (const auto* bad : {"Z", "Zg=", "Zh==", "Zg==Zg==", "Z g=", "===="}) {
    CAPTURE(bad);
    CHECK_FALSE(base64_decode(bad).has_value());
  }
}

}  // namespace novacron::host::contract
