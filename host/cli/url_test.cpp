#include "host/cli/url.h"

#include <catch2/catch.hpp>

#include "host/cli/exit_code.h"

using namespace novacron::host::cli;

TEST_CASE("an endpoint is a URL, a host, or the path of a socket") {
  CHECK(parse_endpoint("https://example.org:9443")->text() == "https://example.org:9443");
  CHECK(parse_endpoint("https://example.org/")->text() == "https://example.org:8443");
  CHECK(parse_endpoint("example.org")->text() == "https://example.org:8443");
  CHECK(parse_endpoint("[fd00::1]:77")->text() == "https://[fd00::1]:77");
  CHECK(parse_endpoint("unix:///run/x.sock")->socket_path == "/run/x.sock");
  CHECK(parse_endpoint("/run/x.sock")->text() == "unix:///run/x.sock");
  CHECK(parse_endpoint("http://127.0.0.1:80")->kind == Endpoint::Kind::kPlain);
}

TEST_CASE("a token is never sent in the clear to another machine") {
  for (const char* elsewhere : {"http://example.org", "http://127.example.org", "http://127.0.0.1.example.org",
                                "http://localhost.example.org", "http://128.0.0.1", "http://[::2]"}) {
    CAPTURE(elsewhere);
    const auto refused = parse_endpoint(elsewhere);
    REQUIRE_FALSE(refused.ok());
    CHECK(exit_code(refused.error()) == ExitCode::kUsage);
  }
}

TEST_CASE("what is no endpoint is refused") {
  for (const char* wrong :
       {"", "https://", "https://a:0", "https://a:99999", "https://a:1x", "[::1", "unix://x", "a b", "[::1]x"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_endpoint(wrong).ok());
  }
}

TEST_CASE("queries are percent-encoded and empty values left out") {
  CHECK(with_query("/v1/a", {{"label_selector", "app in (a,b)"}, {"limit", ""}, {"w", "1"}}) ==
        "/v1/a?label_selector=app%20in%20%28a%2Cb%29&w=1");
}
