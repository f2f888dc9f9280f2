#include "host/api/router.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

/// What a path means, in one line.
std::string meaning(std::string_view target) {
  const auto uri = parse_uri(target);
  if (!uri.ok()) return uri.error().reason;
  const auto route = route_of(*uri);
  if (!route.ok()) return route.error().reason;
  if (const auto* endpoint = std::get_if<Endpoint>(&*route))
    return "endpoint " + std::to_string(static_cast<int>(*endpoint));
  if (const auto* r = std::get_if<CollectionRoute>(&*route)) return "collection " + r->tenant + "|" + r->segment;
  if (const auto* r = std::get_if<CollectionVerbRoute>(&*route))
    return "verb of many " + r->tenant + "|" + r->segment + "|" + r->verb;
  if (const auto* r = std::get_if<ObjectRoute>(&*route))
    return "object " + r->tenant + "|" + r->segment + "|" + r->name;
  if (const auto* r = std::get_if<VerbRoute>(&*route))
    return "verb " + r->tenant + "|" + r->segment + "|" + r->name + "|" + r->verb;
  if (const auto* r = std::get_if<BlobRoute>(&*route)) return "blob " + r->digest;
  return "upload " + std::get<UploadRoute>(*route).id;
}

}  // namespace

TEST_CASE("Paths that mean nothing are refused") {
  for (const char* target : {"/", "/v1", "/v2/nodes", "/v1/nodes/a/b", "/v1/tenants/a/b/c/d", "/healthz/x"}) {
    INFO(target);
    CHECK(meaning(target) == "http.path");
  }
}

TEST_CASE("Broken targets are refused") {
  for (const char* target :
       {"", "v1/nodes", "*", "/v1//nodes", "/v1/nodes/", "/v1/./nodes", "/v1/../nodes", "/v1/%2e%2e/x", "/v1/%",
        "/v1/%4", "/v1/%zz", "/v1/a%00b", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"}) {
    INFO(target);
    CHECK(meaning(target) == "http.target");
  }
  CHECK(meaning("/" + std::string(kMaxTargetBytes, 'a')) == "http.target");
  CHECK(meaning(std::string_view("/v1/a\0b", 7)) == "http.target");
  CHECK(meaning("/v1/a b") == "http.target");
}

TEST_CASE("Collections, objects and verbs, with a tenant and without") {
  CHECK(meaning("/v1/nodes") == "collection |nodes");
  CHECK(meaning("/v1/nodes/n1") == "object |nodes|n1");
  CHECK(meaning("/v1/nodes/n1:cordon") == "verb |nodes|n1|cordon");
  CHECK(meaning("/v1/nodes:cordon") == "verb of many |nodes|cordon");
  CHECK(meaning("/v1/tenants/blue/widgets.example.org:start") == "verb of many blue|widgets.example.org|start");
  CHECK(meaning("/v1/tenants/blue/widgets") == "collection blue|widgets");
  CHECK(meaning("/v1/tenants/blue/widgets.example.org/w1") == "object blue|widgets.example.org|w1");
  CHECK(meaning("/v1/tenants/blue/widgets/w1:start") == "verb blue|widgets|w1|start");
  CHECK(meaning("/v1/tenants/blue/widgets/w1%3astart") == "verb blue|widgets|w1|start");
}

TEST_CASE("Tenants themselves are objects") {
  CHECK(meaning("/v1/tenants") == "collection |tenants");
  CHECK(meaning("/v1/tenants/blue") == "object |tenants|blue");
  CHECK(meaning("/v1/tenants/blue:audit") == "verb |tenants|blue|audit");
}

TEST_CASE("Blobs are bytes by digest, and objects by name") {
  CHECK(meaning("/v1/blobs") == "collection |blobs");
  CHECK(meaning("/v1/blobs/sha256:abc") == "blob sha256:abc");
  CHECK(meaning("/v1/blobs/sha256-abc") == "object |blobs|sha256-abc");
  CHECK(meaning("/v1/blobs/uploads/u1") == "upload u1");
  CHECK(meaning("/v1/blobs/other/u1") == "http.path");
}

TEST_CASE("Endpoints of the host") {
  CHECK(meaning("/healthz") == "endpoint 0");
  CHECK(meaning("/readyz?verbose") == "endpoint 1");
  CHECK(meaning("/v1/auth/token") == "endpoint 5");
  CHECK(meaning("/v1/events?subject=%3E") == "endpoint 8");
}

TEST_CASE("A query's parameters are decoded, each at most once") {
  const auto query = Query::parse("label_selector=a%3Db%2Cc+d&limit=7&watch&empty=").value();
  CHECK(query.text("label_selector") == "a=b,c d");
  CHECK(query.number("limit", 1).value() == 7);
  CHECK(query.number("absent", 1).value() == 1);
  CHECK(query.number("empty", 2).value() == 2);
  CHECK(query.flag("watch").value());
  CHECK_FALSE(query.flag("absent").value());
  CHECK(Query::parse("a=1&a=2").error().reason == "field.invalid");
  CHECK(Query::parse("a=%").error().reason == "http.target");
}

TEST_CASE("A parameter that does not fit is named") {
  const auto query = Query::parse("limit=-1&watch=maybe&big=18446744073709551616&typo=1").value();
  CHECK(query.number("limit", 0).error().fields.at(0).path == "limit");
  CHECK(query.number("big", 0).error().fields.at(0).path == "big");
  CHECK(query.flag("watch").error().fields.at(0).path == "watch");
  const auto unknown = query.only({"limit", "watch", "big"}).error();
  CHECK(unknown.fields.at(0).path == "typo");
  CHECK(unknown.message.find("expected are limit, watch, big") != std::string::npos);
}

TEST_CASE("The number of parameters is limited") {
  std::string many;
  for (size_t i = 0; i <= kMaxQueryParameters; ++i) many += "&p" + std::to_string(i) + "=1";
  CHECK(Query::parse(many).error().reason == "http.query");
  CHECK(Query::parse(many.substr(0, many.rfind('&'))).ok());
}

TEST_CASE("What is encoded is decoded to the same") {
  const std::string text = "a b/c?d=e&f%g:h\xc3\xa4+~";
  CHECK(percent_encode(text) == "a%20b%2Fc%3Fd%3De%26f%25g:h%C3%A4%2B~");
  CHECK(percent_decode(percent_encode(text)).value() == text);
}

TEST_CASE("What is below /ext/ is the plugin's, with a slash at the end or without") {
  const auto extension = [](const std::string& target) {
    const auto uri = parse_uri(target).value();
    const auto route = std::get<ExtensionRoute>(route_of(uri).value());
    return route.plugin + " " + route.path;
  };
  CHECK(extension("/ext/dash") == "dash /");
  CHECK(extension("/ext/dash/") == "dash /");
  CHECK(extension("/ext/dash/a%2Fb/c/?d=e") == "dash /a%2Fb/c/");
  CHECK(extension("/ext/d%61sh/ext/ext") == "dash /ext/ext");
  for (const char* target :
       {"/ext/", "/ext//", "/ext/dash//", "/ext/dash/../x", "/ext/dash/%2e%2e/x", "/ext/dash//x"}) {
    INFO(target);
    CHECK(parse_uri(target).error().reason == "http.target");
  }
  CHECK(route_of(parse_uri("/ext").value()).error().reason == "http.path");
  CHECK(parse_uri("/v1/robots/").error().reason == "http.target");
}
