#include "host/trace/endpoint.h"

#include <catch2/catch.hpp>

#include "host/trace/http_transport.h"

using namespace novacron::host;
using namespace novacron::host::trace;

TEST_CASE("an endpoint is a URL, and what it leaves out is as OTLP/HTTP has it") {
  const auto full = parse_endpoint("https://[::1]:4443/in/traces?x=1");
  REQUIRE(full.ok());
  CHECK(full->tls);
  CHECK(full->host == "::1");
  CHECK(full->authority() == "[::1]:4443");
  CHECK(full->target == "/in/traces?x=1");
  const auto short_one = parse_endpoint("http://collector");
  REQUIRE(short_one.ok());
  CHECK_FALSE(short_one->tls);
  CHECK(short_one->authority() == "collector:4318");
  CHECK(short_one->target == "/v1/traces");
  CHECK(parse_endpoint("http://collector/")->target == "/v1/traces");
}

TEST_CASE("what is no endpoint is refused") {
  for (const char* url :
       {"", "collector:4318", "ftp://c", "http://", "http://:1", "http://c:0", "http://c:70000", "http://c:x",
        "http://[::1", "http://[::1]x", "http://user@c", "http://c/a b", "http://c/#x", "https://c/\r\nX: y"}) {
    CAPTURE(url);
    CHECK(parse_endpoint(url).code() == Code::kInvalidArgument);
  }
}

TEST_CASE("headers are those of HTTP, and no message tells a value") {
  CHECK(check_header("authorization", "Bearer abc").ok());
  CHECK(check_header("x-key", "").ok());
  CHECK_FALSE(check_header("", "x").ok());
  CHECK_FALSE(check_header("a b", "x").ok());
  CHECK_FALSE(check_header("Content-Length", "0").ok());
  const auto refused = check_header("x-key", "secret\r\nHost: other");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("secret") == std::string::npos);
}

TEST_CASE("how long to stay away is read in seconds and as a date") {
  constexpr uint64_t kNow = 784'111'777ull * 1'000'000'000;  // Sun, 06 Nov 1994 08:49:37 GMT
  CHECK(parse_retry_after("3", kNow) == 3'000'000'000);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", kNow) == 10'000'000'000);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:27 GMT", kNow) == 0);
  for (const char* value : {"", "soon", "-1", "3s", "99999999999", "Sun, 06 Nov 1994"}) {
    CAPTURE(value);
    CHECK(parse_retry_after(value, kNow) == 0);
  }
}
