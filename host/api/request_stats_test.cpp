#include "host/api/request_stats.h"

#include <catch2/catch.hpp>

#include "host/api/router.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

std::string route_name(const std::string& target) {
  const auto uri = parse_uri(target).value();
  return describe(route_of(uri).value(), uri, [](const std::string& segment) { return segment == "robots"; });
}

std::string told_by(const RequestStats& stats) {
  metrics::Metrics metrics;
  metrics.add([&](metrics::Sink& sink) { stats.tell(sink); });
  return metrics.text();
}

}  // namespace

TEST_CASE("Requests to the same place have one route, whatever a client makes up") {
  CHECK(route_name("/v1/robots?limit=3") == "/v1/robots");
  CHECK(route_name("/v1/tenants/a/robots/r1") == "/v1/tenants/{tenant}/robots/{name}");
  CHECK(route_name("/v1/tenants/b/robots/r2:dance") == "/v1/tenants/{tenant}/robots/{name}:{verb}");
  CHECK(route_name("/v1/tenants/b/unicorns/r2") == "/v1/tenants/{tenant}/{kind}/{name}");
  CHECK(route_name("/v1/blobs/uploads/123") == "/v1/blobs/uploads/{id}");
  CHECK(route_name("/v1/blobs/sha256:00") == "/v1/blobs/{digest}");
  CHECK(route_name("/ext/dash/any/thing") == "/ext/{plugin}");
  CHECK(route_name("/healthz") == "/healthz");
}

TEST_CASE("Each route, method and status is counted by itself") {
  RequestStats stats;
  stats.record("/a", Method::kGet, 200, 5'000'000);
  stats.record("/a", Method::kGet, 200, 5'000'000);
  stats.record("/a", Method::kGet, 404, 1);
  stats.record("/a", Method::kPut, 200, 1);
  const auto text = told_by(stats);
  const std::string name = "novacron_http_request_duration_seconds";
  CHECK_THAT(text, Catch::Contains(name + R"(_count{route="/a",method="GET",status="200"} 2)"));
  CHECK_THAT(text, Catch::Contains(name + R"(_count{route="/a",method="GET",status="404"} 1)"));
  CHECK_THAT(text, Catch::Contains(name + R"(_count{route="/a",method="PUT",status="200"} 1)"));
  CHECK_THAT(text, Catch::Contains(name + R"(_bucket{route="/a",method="GET",status="200",le="0.01"} 2)"));
}

TEST_CASE("The number of series is bounded, and what is beyond is still counted") {
  RequestStats stats;
  for (size_t i = 0; i < kMaxRequestSeries + 10; ++i) stats.record(std::to_string(i), Method::kGet, 200, 1);
  CHECK_THAT(told_by(stats), Catch::Contains(R"(_count{route="other",method="OTHER",status="0"} 10)"));
}
