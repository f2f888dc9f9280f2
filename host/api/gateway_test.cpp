#include "host/api/gateway.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/api/testing/api_world.h"
#include "host/auth/openssl.h"
#include "host/resource/keys.h"
#include "host/state/sync.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

using nlohmann::json;

using Fixture = RobotsWorld;

}  // namespace

TEST_CASE_METHOD(Fixture, "What is created is found where Location says") {
  const auto made = make("r1");
  CHECK(made.status == 201);
  CHECK(made.header("Location") == robot("r1"));
  const auto found = client.call("GET", made.header("Location"));
  CHECK(found.status == 200);
  CHECK(found.header("ETag") == made.header("ETag"));
  const auto body = json::parse(found.body);
  CHECK(body["kind"] == "shop/Robot");
  CHECK(body["metadata"]["name"] == "r1");
  CHECK(body["spec"]["arms"] == 2);
  CHECK(make("r1").status == 409);
}

TEST_CASE_METHOD(Fixture, "An invalid object is refused with the paths of its faults") {
  const auto answer = post(kRobots, R"({"metadata":{"name":"r1"},"spec":{"arms":9,"legs":2}})");
  CHECK(answer.status == 400);
  CHECK(reason(answer) == "field.invalid");
  CHECK(answer.body.find("spec.legs") != std::string::npos);
  CHECK(reason(post(kRobots, "{")) == "json.invalid");
  const std::string deep = std::string(65, '[') + std::string(65, ']');
  CHECK(reason(post(kRobots, R"({"spec":)" + deep + "}")) == "json.invalid");
}

TEST_CASE_METHOD(Fixture, "A kind, an object, a verb and a path that are not there are told apart") {
  CHECK(reason(client.call("GET", "/v1/unicorns")) == "resource.unknown-kind");
  CHECK(reason(client.call("GET", robot("none"))) == "resource.not-found");
  make("r1");
  CHECK(reason(client.call("POST", robot("r1:fly"))) == "resource.unknown-verb");
  CHECK(reason(client.call("GET", "/v3")) == "http.path");
}

TEST_CASE_METHOD(Fixture, "The path has to fit the kind's scope") {
  CHECK(reason(client.call("GET", "/v1/tenants/default/stations")) == "http.path");
  CHECK(reason(client.call("GET", "/v1/robots/r1")) == "http.path");
  CHECK(client.call("GET", "/v1/robots").status == 200);
  CHECK(client.call("GET", "/v1/stations").status == 200);
}

TEST_CASE_METHOD(Fixture, "A method or a content type that does not fit is refused") {
  CHECK(client.call("PUT", kRobots, "{}", kJson).status == 405);
  CHECK(client.call("POST", kRobots, "{}", "Content-Type: text/plain\r\n").status == 415);
  CHECK(client.call("POST", "/version").status == 405);
}

TEST_CASE_METHOD(Fixture, "An object is changed only as it was seen") {
  const auto made = make("r1");
  const std::string seen = "If-Match: " + made.header("ETag") + "\r\n";
  const auto changed = client.call("PATCH", robot("r1"), R"({"spec":{"arms":3}})", kPatch + seen);
  CHECK(changed.status == 200);
  CHECK(json::parse(changed.body)["spec"]["arms"] == 3);
  const auto refused = client.call("PATCH", robot("r1"), R"({"spec":{"arms":4}})", kPatch + seen);
  CHECK(refused.status == 412);
  CHECK(refused.header("ETag") == changed.header("ETag"));
  CHECK("\"" + json::parse(refused.body)["current"]["etag"].get<std::string>() + "\"" == changed.header("ETag"));
  CHECK(json::parse(refused.body)["current"]["revision"] == json::parse(changed.body)["metadata"]["revision"]);
  CHECK(client.call("PUT", robot("r1"), R"({"spec":{"arms":5}})", kJson + seen).status == 412);
  CHECK(client.call("DELETE", robot("r1"), "", seen).status == 412);
  CHECK(client.call("DELETE", robot("r1")).status == 200);
  CHECK(client.call("GET", robot("r1")).status == 404);
}

TEST_CASE_METHOD(Fixture, "A write is refused that may only be done to something else than what is there") {
  const auto tag = make("r1").header("ETag");
  const std::string change = R"({"spec":{"arms":3}})";
  for (const std::string& seen : {std::string("*"), tag, "W/" + tag, "\"other\", " + tag}) {
    const auto refused = client.call("PATCH", robot("r1"), change, kPatch + ("If-None-Match: " + seen + "\r\n"));
    CHECK(refused.status == 412);
    CHECK(reason(refused) == "http.precondition");
    CHECK(refused.header("ETag") == tag);
  }
  CHECK(client.call("PATCH", robot("r1"), change, kPatch + std::string("If-None-Match: \"other\"\r\n")).status == 200);
  CHECK(client.call("PUT", robot("none"), "{}", kJson + std::string("If-None-Match: *\r\n")).status == 404);
  CHECK(client.call("DELETE", robot("r1"), "", "If-Match: *\r\n").status == 200);
}

TEST_CASE_METHOD(Fixture, "The request's id is in the answer, in a problem and in the audit of what it changed") {
  const auto made = post(kRobots, R"({"metadata":{"name":"r1"}})", "X-Request-Id: create-r1\r\n");
  CHECK(made.header("X-Request-Id") == "create-r1");
  const auto refused = client.call("GET", robot("none"), "", "X-Request-Id: look-for-none\r\n");
  CHECK(json::parse(refused.body)["request_id"] == "look-for-none");
  std::string audit;
  state::RangeRequest all;
  all.keys = state::KeyRange::prefix(resource::kAuditPrefix);
  const auto records = state::Sync(world.engine()).range(std::move(all));
  for (const auto& record : records->entries) audit += record->value;
  CHECK_THAT(audit, Catch::Contains("create-r1") && !Catch::Contains("look-for-none"));
}

TEST_CASE_METHOD(Fixture, "What has not changed is not sent again") {
  const auto tag = make("r1").header("ETag");
  const auto same = client.call("GET", robot("r1"), "", "If-None-Match: " + tag + "\r\n");
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(same.header("ETag") == tag);
  client.call("PATCH", robot("r1"), R"({"spec":{"arms":3}})", kPatch);
  CHECK(client.call("GET", robot("r1"), "", "If-None-Match: " + tag + "\r\n").status == 200);
}

TEST_CASE_METHOD(Fixture, "A dry run checks everything and changes nothing") {
  const auto tried = post(std::string(kRobots) + "?dry_run=true", R"({"metadata":{"name":"r1"}})");
  CHECK(tried.status == 200);
  CHECK(json::parse(tried.body)["spec"]["arms"] == 2);
  CHECK(post(std::string(kRobots) + "?dry_run", R"({"spec":{"arms":9}})").status == 400);
  CHECK(client.call("GET", robot("r1")).status == 404);
}

TEST_CASE_METHOD(Fixture, "Every verb has a dry run") {
  const auto tag = make("r1").header("ETag");
  const auto replaced =
      client.call("PUT", robot("r1?dry_run=true"), R"({"metadata":{"name":"r1"},"spec":{"arms":5}})", kJson);
  CHECK(json::parse(replaced.body)["spec"]["arms"] == 5);
  CHECK(json::parse(client.call("PATCH", robot("r1?dry_run"), R"({"spec":{"arms":4}})", kPatch)
                        .body)["metadata"]["generation"] == 2);
  CHECK(client.call("DELETE", robot("r1?dry_run")).status == 200);
  CHECK(json::parse(post(robot("r1:sadden?dry_run"), "").body)["spec"]["mood"] == "SAD");
  const auto operation = post(robot("r1:fetch?dry_run"), R"({"thing":"ball"})");
  CHECK(operation.status == 200);
  CHECK(operation.header("Location").empty());
  CHECK(json::parse(operation.body)["spec"]["verb"] == "fetch");
  CHECK(post(robot("r1:fetch?dry_run"), R"({"thin":"ball"})").status == 400);
  CHECK(robots.calls == 0);
  CHECK(client.call("GET", robot("r1")).header("ETag") == tag);
}

TEST_CASE_METHOD(Fixture, "An object is changed by a JSON patch") {
  make("r1");
  const std::string type = "Content-Type: application/json-patch+json\r\n";
  const auto changed = client.call("PATCH", robot("r1"), R"([{"op":"replace","path":"/spec/arms","value":3}])", type);
  CHECK(json::parse(changed.body)["spec"]["arms"] == 3);
  const auto failed = client.call("PATCH", robot("r1"), R"([{"op":"test","path":"/spec/arms","value":2}])", type);
  CHECK(failed.status == 409);
  CHECK(reason(failed) == "json.patch-test");
  CHECK(client.call("PATCH", robot("r1"), R"({"spec":{}})", type).status == 400);
}

TEST_CASE_METHOD(Fixture, "An object is applied by several managers, and a conflict names the field and its owner") {
  const std::string type = "Content-Type: application/apply-patch+json\r\n";
  const auto apply = [&](const std::string& query, const std::string& body) {
    return client.call("PATCH", robot("r1") + "?" + query, body, type);
  };
  CHECK(apply("field_manager=deploy&dry_run", R"({"spec":{"arms":3}})").status == 200);
  const auto made = apply("field_manager=deploy", R"({"spec":{"arms":3}})");
  CHECK(made.status == 201);
  CHECK(made.header("Location") == robot("r1"));
  CHECK(json::parse(made.body)["metadata"]["managed_fields"][0]["name"] == "deploy");
  CHECK(apply("field_manager=deploy", R"({"spec":{"arms":3}})").status == 200);
  const auto refused = apply("field_manager=tuner", R"({"spec":{"arms":4}})");
  CHECK(refused.status == 409);
  CHECK(reason(refused) == "apply.conflict");
  CHECK(json::parse(refused.body)["fields"][0]["path"] == "spec.arms");
  CHECK_THAT(refused.body, Catch::Contains("is decided by deploy"));
  CHECK(apply("field_manager=tuner&force", R"({"spec":{"arms":4}})").status == 200);
  CHECK(reason(apply("", "{}")) == "apply.manager");
  CHECK(client.call("PATCH", robot("r2") + "?field_manager=x", "{}", type + "If-Match: \"y-1\"\r\n").status == 412);
  CHECK(reason(client.call("PATCH", robot("r1") + "?force", "{}", kPatch)) == "field.invalid");
}

TEST_CASE_METHOD(Fixture, "A repeated request with the same key has its effect once") {
  const std::string key = "Idempotency-Key: k1\r\n";
  const auto first = post(kRobots, R"({"metadata":{"name":"r1"}})", key);
  const auto again = post(kRobots, R"({"metadata":{"name":"r1"}})", key);
  CHECK(first.status == 201);
  CHECK(again.status == 201);
  CHECK(again.header("Idempotency-Replayed") == "true");
  CHECK(again.header("ETag") == first.header("ETag"));
  CHECK(post(kRobots, R"({"metadata":{"name":"r2"}})", key).status == 422);
  CHECK(reason(post(kRobots, "{}", "Idempotency-Key: " + std::string(129, 'k') + "\r\n")) == "http.idempotency-key");
}

TEST_CASE_METHOD(Fixture, "A list comes in pages of one revision, chosen by labels") {
  for (int i = 0; i < 5; ++i) make("r" + std::to_string(i), i % 2 == 0 ? R"({"team":"red"})" : R"({"team":"blue"})");
  const auto first = json::parse(client.call("GET", std::string(kRobots) + "?limit=2").body);
  REQUIRE(first["items"].size() == 2);
  make("late");
  std::vector<std::string> names;
  for (json page = first;;) {
    for (const auto& item : page["items"]) names.push_back(item["metadata"]["name"]);
    CHECK(page["revision"] == first["revision"]);
    const std::string token = page["next_page_token"];
    if (token.empty()) break;
    page = json::parse(client.call("GET", std::string(kRobots) + "?limit=2&page_token=" + percent_encode(token)).body);
  }
  CHECK(names == std::vector<std::string>{"r0", "r1", "r2", "r3", "r4"});
  const auto red = json::parse(client.call("GET", std::string(kRobots) + "?label_selector=team%3Dred").body);
  CHECK(red["items"].size() == 3);
  CHECK(client.call("GET", std::string(kRobots) + "?limit=1001").status == 400);
  CHECK(reason(client.call("GET", std::string(kRobots) + "?labels=a")) == "field.invalid");
}

TEST_CASE_METHOD(Fixture, "A list is chosen and ordered by fields") {
  for (const char* name : {"a", "b", "c"}) make(name);
  client.call("PATCH", robot("b"), R"({"spec":{"arms":5}})", kPatch);
  const auto names = [&](const std::string& query) {
    const auto answer = client.call("GET", std::string(kRobots) + "?" + query);
    const auto body = json::parse(answer.body);
    std::string text;
    for (const auto& item : body.value("items", json::array())) text += item["metadata"]["name"].get<std::string>();
    return answer.status == 200 ? text : reason(answer);
  };
  CHECK(names("field_selector=spec.arms%3C3") == "ac");
  CHECK(names("order_by=spec.arms%20desc,metadata.name%20desc") == "bca");
  CHECK(names("field_selector=spec.arms") == "selector.invalid");
  CHECK(names("order_by=spec.tools") == "order.invalid");
}

TEST_CASE_METHOD(Fixture, "Only the wanted fields are sent, and changed") {
  const auto tag = make("r1", R"({"team":"red"})").header("ETag");
  const auto part = client.call("GET", robot("r1?fields=metadata.name,spec.arms"));
  CHECK(json::parse(part.body) == json::parse(R"({"kind":"shop/Robot","metadata":{"name":"r1"},"spec":{"arms":2}})"));
  CHECK(part.header("ETag") == tag);
  const auto list = json::parse(client.call("GET", std::string(kRobots) + "?fields=metadata.labels").body);
  CHECK(list["items"][0]["metadata"] == json::parse(R"({"labels":{"team":"red"}})"));
  CHECK(client.call("GET", robot("r1?fields=spec.legs")).status == 400);
  CHECK(client.call("GET", robot("r1?fields")).status == 400);
  const auto changed =
      client.call("PUT", robot("r1?update_mask=spec.arms"), R"({"spec":{"arms":5,"mood":"SAD"}})", kJson);
  CHECK(json::parse(changed.body)["spec"]["arms"] == 5);
  CHECK(json::parse(changed.body)["spec"]["mood"] == "HAPPY");
  CHECK(json::parse(changed.body)["metadata"]["labels"]["team"] == "red");
}

TEST_CASE_METHOD(Fixture, "The past is read by its revision") {
  const auto made = json::parse(make("r1").body);
  const std::string at = "?at=" + made["metadata"]["revision"].dump();
  client.call("PATCH", robot("r1"), R"({"spec":{"arms":3}})", kPatch);
  CHECK(json::parse(client.call("GET", robot("r1") + at).body)["spec"]["arms"] == 2);
  CHECK(json::parse(client.call("GET", kRobots + at).body)["items"][0]["spec"]["arms"] == 2);
}

TEST_CASE_METHOD(Fixture, "A watch continues after the revision where the one before it ended") {
  const auto first = json::parse(make("r1").body);
  make("r2");
  client.call("DELETE", robot("r1"));
  TestClient watcher(path);
  watcher.send("GET " + std::string(kRobots) + "?watch=true&after_revision=" + first["metadata"]["revision"].dump() +
               " HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK_THAT(watcher.read_until("\r\n\r\n"), Catch::Contains("application/x-ndjson"));
  const auto put = watcher.read_until("\"DELETED\"");
  CHECK_THAT(put, Catch::Contains("\"r2\"") && !Catch::Contains("\"name\":\"r1\""));
  make("r3");
  CHECK_THAT(watcher.read_until("\"r3\""), Catch::Contains("\"type\":\"PUT\""));
}

TEST_CASE_METHOD(Fixture, "A browser's event source resumes by the id of its last event") {
  const auto first = json::parse(make("r1").body);
  make("r2");
  TestClient watcher(path);
  watcher.send("GET " + std::string(kRobots) + "?watch=true HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n" +
               "Last-Event-ID: " + first["metadata"]["revision"].dump() + "\r\n\r\n");
  const auto text = watcher.read_until("\"r2\"");
  CHECK_THAT(text, Catch::Contains("text/event-stream") && Catch::Contains("\nid: ") &&
                       Catch::Contains("data: {\"type\":\"PUT\""));
}

TEST_CASE_METHOD(Fixture, "A watch that starts before what is kept ends with 410's reason") {
  make("r1");
  TestClient watcher(path);
  watcher.send("GET " + std::string(kRobots) + "?watch=true&after_revision=999999 HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK_THAT(watcher.read_until("0\r\n\r\n"), Catch::Contains("state.future-revision"));
}

TEST_CASE_METHOD(Fixture, "A verb that is a patch answers with the object") {
  make("r1");
  const auto answer = client.call("POST", robot("r1:sadden"));
  CHECK(answer.status == 200);
  CHECK(json::parse(answer.body)["spec"]["mood"] == "SAD");
  CHECK(client.call("GET", robot("r1:sadden")).status == 405);
}

TEST_CASE_METHOD(Fixture, "A verb that reads is answered at once, by GET too") {
  make("r1");
  const auto answer = post(robot("r1:look"), R"({"thing":"ball"})");
  CHECK(answer.status == 200);
  CHECK(json::parse(answer.body)["found"] == "ball");
  CHECK(client.call("GET", robot("r1:look")).status == 200);
}

TEST_CASE_METHOD(Fixture, "A verb that acts starts an operation") {
  make("r1");
  const auto answer = post(robot("r1:fetch"), R"({"thing":"ball"})");
  REQUIRE(answer.status == 202);
  const auto place = answer.header("Location");
  CHECK_THAT(place, Catch::StartsWith("/v1/tenants/default/operations/"));
  json operation;
  for (int i = 0; i < 2'000; ++i) {
    operation = json::parse(client.call("GET", place).body);
    if (operation["status"].value("state", "") == "SUCCEEDED") break;
  }
  CHECK(operation["status"]["state"] == "SUCCEEDED");
  CHECK(robots.calls == 1);
}

TEST_CASE_METHOD(Fixture, "Who may not is told so, with 403") {
  world.authorizer.denied = {"local:" + std::to_string(::geteuid()) + " create shop/Robot"};
  const auto answer = make("r1");
  CHECK(answer.status == 403);
  CHECK(reason(answer) == "auth.denied");
}

TEST_CASE_METHOD(Fixture, "A credential is traded for a token, which says who one is") {
  const auto answer =
      post("/v1/auth/token", json{{"credential", credential}, {"ttl", "2h"}, {"role", "viewer"}}.dump());
  REQUIRE(answer.status == 200);
  const auto token = json::parse(answer.body);
  CHECK(token["token_type"] == "Bearer");
  const auto who =
      client.call("GET", "/v1/whoami", "", "Authorization: Bearer " + token["token"].get<std::string>() + "\r\n");
  CHECK(json::parse(who.body) == json({{"principal", "user:admin"}, {"tenant", ""}, {"roles", {"viewer"}}}));
}

TEST_CASE_METHOD(Fixture, "Bad tokens and credentials are refused, and guessing is slowed down") {
  const auto bad = client.call("GET", "/v1/whoami", "", "Authorization: Bearer nonsense\r\n");
  CHECK(bad.status == 401);
  CHECK(bad.header("WWW-Authenticate") == "Bearer realm=\"novacron\"");
  Answer guess;
  for (uint32_t i = 0; i <= auth::kMaxLoginFailures; ++i) guess = post("/v1/auth/token", R"({"credential":"nc-x"})");
  CHECK(guess.status == 429);
  CHECK(std::stoi(guess.header("Retry-After")) > 50);
  CHECK(reason(post("/v1/auth/token", R"({"password":"x"})")) == "field.invalid");
  CHECK(reason(post("/v1/auth/token", R"({"ttl":"soon"})")) == "field.invalid");
  CHECK(reason(post("/v1/auth/token", R"({"ttl":"25h"})")) == "auth.ttl");
}

TEST_CASE_METHOD(Fixture, "A blob is uploaded whole and read by its digest") {
  const std::string bytes(2 << 20, 'b');  // more than other bodies may have
  const std::string digest = "sha256:" + auth::sha256_hex(bytes);
  const auto wrong = client.call("POST", "/v1/blobs?digest=sha256:" + std::string(64, '0'), bytes);
  CHECK(reason(wrong) == "blob.mismatch");
  const auto stored = client.call("POST", "/v1/blobs?digest=" + digest, bytes);
  CHECK(stored.status == 201);
  CHECK(json::parse(stored.body)["digest"] == digest);
  CHECK(stored.header("Location") == "/v1/blobs/" + digest);
  const auto read = client.call("GET", "/v1/blobs/" + digest);
  CHECK((read.body == bytes));
  CHECK(client.call("HEAD", "/v1/blobs/" + digest).header("Content-Length") == std::to_string(bytes.size()));
  const auto object = client.call("GET", "/v1/blobs/" + json::parse(stored.body)["name"].get<std::string>());
  CHECK(json::parse(object.body)["spec"]["size_bytes"] == bytes.size());
  CHECK(client.call("POST", "/v1/blobs", bytes).status == 201);  // the same again is fine
  CHECK(client.call("GET", "/v1/blobs/sha256:" + std::string(64, '0')).status == 404);
}

TEST_CASE_METHOD(Fixture, "An upload in pieces resumes where it stands") {
  const auto begun = client.call("POST", "/v1/blobs/uploads/new");
  REQUIRE(begun.status == 201);
  const auto place = begun.header("Location");
  CHECK(client.call("PATCH", place, "hello ", "Upload-Offset: 0\r\n").header("Upload-Offset") == "6");
  CHECK(reason(client.call("PATCH", place, "x", "Upload-Offset: 0\r\n")) == "blob.offset");
  TestClient other(path);
  CHECK(other.call("HEAD", place).header("Upload-Offset") == "6");
  CHECK(other.call("PATCH", place, "world", "Upload-Offset: 6\r\n").header("Upload-Offset") == "11");
  const auto done = other.call("PUT", place + "?digest=sha256:" + auth::sha256_hex("hello world"));
  CHECK(done.status == 201);
  CHECK(other.call("GET", done.header("Location")).body == "hello world");
  CHECK(other.call("HEAD", place).status == 404);
}

TEST_CASE_METHOD(Fixture, "Events are followed by pattern, and resumed by sequence") {
  REQUIRE(bus.publish({.subject = "shop.opened", .body = std::make_shared<std::string>(R"({"by":"alice"})")}).ok());
  REQUIRE(bus.publish({.subject = "other.thing"}).ok());
  REQUIRE(bus.publish({.subject = "shop.closed", .body = std::make_shared<std::string>("\xff")}).ok());
  TestClient watcher(path);
  watcher.send("GET /v1/events?subject=shop.*&after_sequence=0 HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto text = watcher.read_until("data_base64");
  CHECK_THAT(text, Catch::Contains(R"("data":{"by":"alice"})") && !Catch::Contains("other.thing"));
  REQUIRE(bus.publish({.subject = "shop.reopened"}).ok());
  CHECK_THAT(watcher.read_until("shop.reopened"), Catch::Contains("shop.reopened"));
  CHECK(reason(client.call("GET", "/v1/events?subject=a..b")) == "bus.pattern");
}

TEST_CASE_METHOD(Fixture, "The schema is served for the CLI and not sent twice") {
  const auto answer = client.call("GET", "/v1/schema");
  CHECK(answer.header("Content-Type") == "application/x-protobuf");
  CHECK(answer.header("ETag") == "\"" + world.store().schema()->digest() + "\"");
  CHECK((answer.body == world.store().schema()->serialize()));
  CHECK(client.call("GET", "/v1/schema", "", "If-None-Match: " + answer.header("ETag") + "\r\n").status == 304);
}

TEST_CASE_METHOD(Fixture, "Metrics count requests by route, for who may read them") {
  make("r1");
  make("r1");
  client.call("GET", robot("r1"));
  client.call("GET", "/v1/tenants/made-up/unicorns/u1");
  const auto answer = client.call("GET", "/metrics");
  CHECK(answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  const std::string name = "novacron_http_request_duration_seconds_count";
  CHECK_THAT(answer.body,
             Catch::Contains(name + R"({route="/v1/tenants/{tenant}/robots",method="POST",status="201"} 1)") &&
                 Catch::Contains(name + R"({route="/v1/tenants/{tenant}/robots",method="POST",status="409"} 1)") &&
                 Catch::Contains(name + R"({route="/v1/tenants/{tenant}/robots/{name}",method="GET",status="200"} 1)"));
  CHECK_THAT(answer.body, !Catch::Contains("made-up") && !Catch::Contains("unicorns"));
  world.authorizer.denied = {"local:" + std::to_string(::geteuid()) + " get novacron.core/Metrics"};
  CHECK(client.call("GET", "/metrics").status == 403);
}

TEST_CASE_METHOD(Fixture, "What goes away says so, and what stays does not") {
  make("r1");
  const auto kind = post("/v1/stations", R"({"metadata":{"name":"s1"}})");
  CHECK(kind.status == 201);
  CHECK(kind.header("Deprecation") == "@1769904000");
  CHECK(kind.header("Sunset") == "Mon, 01 Feb 2027 00:00:00 GMT");
  CHECK(client.call("GET", "/v1/stations/s1").header("Deprecation") == "@1769904000");
  const auto verb = client.call("GET", robot("r1:look"));
  CHECK(verb.header("Deprecation") == "@1769817600");
  CHECK(verb.header("Sunset").empty());
  CHECK(client.call("GET", robot("r1")).header("Deprecation").empty());
}

TEST_CASE_METHOD(Fixture, "Discovery lists the kinds with their paths and verbs") {
  const auto kinds = json::parse(client.call("GET", "/v1/kinds").body)["items"];
  const auto robot =
      *std::find_if(kinds.begin(), kinds.end(), [](const json& kind) { return kind["id"] == "shop/Robot"; });
  CHECK(robot["path"] == "/v1/tenants/{tenant}/robots");
  CHECK(robot["short"] == json::array({"rb"}));
  CHECK(robot["actions"][0] ==
        json({{"verb", "cheer"}, {"summary", "Make it happy"}, {"stream", "none"}, {"read_only", false}}));
}

TEST_CASE_METHOD(Fixture, "Health needs no token; ready says each check") {
  CHECK(client.call("GET", "/healthz", "", "Authorization: Bearer x\r\n").status == 200);
  CHECK(json::parse(client.call("GET", "/readyz").body)["status"] == "ready");
  is_whole = false;
  const auto degraded = client.call("GET", "/readyz");
  CHECK(degraded.status == 200);
  CHECK(json::parse(degraded.body)["status"] == "degraded");
  CHECK(json::parse(degraded.body)["checks"][1]["message"] == "one hangs");
  is_whole = true;
  is_ready = false;
  const auto answer = client.call("GET", "/readyz");
  CHECK(answer.status == 503);
  CHECK(json::parse(answer.body)["detail"] == "state: the disk is full");
  CHECK(json::parse(client.call("GET", "/version").body)["version"] == "1.2.3");
}
