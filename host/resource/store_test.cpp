#include "host/resource/store.h"

#include <novacron/core/v1/host.pb.h>

#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "host/contract/testing/testing.h"
#include "host/resource/keys.h"
#include "host/resource/testing/world.h"
#include "host/state/sync.h"

namespace novacron::host::resource {

using testing::robot_ref;
using testing::station_ref;
using testing::user;
using testing::World;

namespace {
template <class T>
std::string reason(const Result<T>& result) {
  return result.ok() ? "ok" : result.error().reason;
}
template <class T>
std::string message(const Result<T>& result) {
  return result.ok() ? "ok" : result.error().message;
}
}  // namespace

TEST_CASE("an object is created with its defaults, and read back") {
  World world;
  const auto made = world.make_robot("r1", R"({"arms":3})", R"("labels":{"app":"web"})");
  REQUIRE(message(made) == "ok");
  CHECK(made->changed);
  CHECK(made->operation == made->object.ref.uid + "-g1");
  CHECK(made->object.generation == 1);
  const auto read = world.robot("r1");
  CHECK(world.show(read).find(R"("spec":{"arms":3,"memory_bytes":1048576,"mood":"HAPPY","model":"mk1"})") !=
        std::string::npos);
  CHECK(world.show(read) == to_json(made->object).value());
  CHECK(reason(world.make_robot("r1")) == "resource.exists");
}

TEST_CASE("what does not fit is refused with the path of each fault") {
  World world;
  CHECK(message(world.make_robot("r1", R"({"tools":[{"name":"a"},{"sise":1}]})")) ==
        "spec.tools[1].sise: unknown field");
  CHECK(message(world.make_robot("r1", R"({"arms":9})")) == "spec.arms: must be at most 8");
  CHECK(reason(world.make_robot("R1")) == "field.invalid");
  CHECK(reason(world.make_robot(std::string(64, 'a'))) == "field.invalid");
  CHECK(reason(world.make_robot(std::string(63, 'a'))) == "ok");
  CHECK(message(world.make_robot("r2", "{}", R"("labels":{"-":"x"})"))
            .starts_with("metadata.labels[\"-\"]: the key must"));
  CHECK(message(world.make_robot("r2", "{}", R"("finalizers":["x"])")) ==
        "metadata.finalizers[0]: must be like \"shop/robot\"");
  CHECK(message(world.make_robot("r2", "{}", R"("tenant":"other")")) == "metadata.tenant: must be default");
  CHECK(reason(world.store().create(world.alice, {"shop/Robot", "nobody", "r1"}, Body::json("{}"))) ==
        "resource.unknown-tenant");
  CHECK(reason(world.store().create(world.alice, {"shop/Ghost", "default", "r1"}, Body::json("{}"))) ==
        "resource.unknown-kind");
  CHECK(reason(world.store().create(world.alice, {"shop/Robot", "", "r1"}, Body::json("{}"))) == "field.invalid");
  CHECK(reason(world.robot("absent")) == "resource.not-found");
}

TEST_CASE("a resource has at most 256 KiB") {
  World world;
  std::string strings = "\"" + std::string(1'000, 'x') + "\"";
  for (int i = 0; i < 300; ++i) strings += ",\"" + std::string(1'000, 'x') + "\"";
  const auto made = world.make_robot("r1", R"({"everything":{"strings":[)" + strings + "]}}");
  CHECK(reason(made) == "resource.too-large");
}

TEST_CASE("the generation counts changes of the spec alone") {
  World world;
  REQUIRE(world.make_robot("r1").ok());
  CHECK(world.patch_robot("r1", R"({"metadata":{"labels":{"a":"b"}}})")->object.generation == 1);
  CHECK(world.set_status("r1", R"({"phase":"ACTIVE"})")->object.generation == 1);
  CHECK(world.patch_robot("r1", R"({"spec":{"arms":5}})")->object.generation == 2);
  const auto same = world.patch_robot("r1", R"({"spec":{"arms":5}})");
  CHECK_FALSE(same->changed);
  CHECK(same->object.generation == 2);
}

TEST_CASE("spec and status have revisions of their own") {
  World world;
  const auto made = world.make_robot("r1");
  CHECK(made->object.status_revision == 0);
  const auto reported = world.set_status("r1", R"({"phase":"ACTIVE"})");
  REQUIRE(message(reported) == "ok");
  CHECK(reported->object.spec_revision == made->object.spec_revision);
  CHECK(reported->object.status_revision > made->object.spec_revision);
  CHECK(world.robot("r1")->revision == reported->object.status_revision);
  const auto& store = world.store();
  const auto bytes = reported->object.status;
  CHECK(reason(world.store().update_status(world.host, robot_ref("r1"), "", made->object.spec_revision)) ==
        "resource.conflict");
  CHECK(reason(world.store().update_status(world.host, station_ref("s1"), "")) == "resource.no-status");
  CHECK(store.schema() != nullptr);
}

TEST_CASE("a precondition that no longer holds is a conflict, and status churn fails no edit by generation") {
  World world;
  const auto made = world.make_robot("r1");
  const std::string by_revision = etag(made->object);
  const std::string by_generation = made->object.ref.uid + "-g1";
  REQUIRE(world.set_status("r1", R"({"phase":"ACTIVE"})").ok());
  WriteOptions options;
  options.if_match = by_revision;
  CHECK(reason(world.store().patch(world.alice, robot_ref("r1"), R"({"spec":{"arms":4}})", options)) ==
        "resource.conflict");
  options.if_match = by_generation;
  CHECK(reason(world.store().patch(world.alice, robot_ref("r1"), R"({"spec":{"arms":4}})", options)) == "ok");
  CHECK(reason(world.store().patch(world.alice, robot_ref("r1"), R"({"spec":{"arms":5}})", options)) ==
        "resource.conflict");
  CHECK(reason(world.store().remove(world.alice, robot_ref("r1"), options)) == "resource.conflict");
}

TEST_CASE("a list comes in the wanted order, page by page of one revision") {
  World world;
  for (const char* robot : {"c 3", "a 1", "e 2", "b 3", "d 1"}) {
    const std::string text(robot);
    REQUIRE(world.make_robot(text.substr(0, 1), R"({"arms":)" + text.substr(2) + "}").ok());
  }
  const auto names = [&](const std::string& order, size_t size) {
    ListOptions options{.kind = "shop/Robot", .tenant = "default", .order_by = order, .page_size = size};
    std::string text;
    do {
      const auto page = world.store().list(world.alice, options);
      if (!page.ok()) return page.error().reason;
      for (const auto& object : page->objects) text += object.ref.name;
      options.page_token = page->next_page_token;
      if (!options.page_token.empty()) text += " ";
    } while (!options.page_token.empty());
    return text;
  };
  CHECK(names("spec.arms", 2) == "ad eb c");
  CHECK(names("spec.arms desc, metadata.name desc", 2) == "cb ed a");
  CHECK(names("metadata.name desc", 5) == "edcba");
  CHECK(names("metadata.created_at,metadata.name", 3) == "abc de");
  for (const char* wrong : {"spec.legs", "spec.mood", "spec.password", "spec.arms up", "spec.arms,",
                            "spec.arms,spec.arms,spec.arms,spec.arms,spec.arms"}) {
    INFO(wrong);
    CHECK(names(wrong, 2) == "order.invalid");
  }
}

TEST_CASE("pages stay those of their revision while others write") {
  World world;
  for (const char* name : {"a", "b", "c", "d"}) REQUIRE(world.make_robot(name, R"({"arms":4})").ok());
  for (const char* order : {"", "spec.arms,metadata.name"}) {
    ListOptions options{.kind = "shop/Robot", .tenant = "default", .order_by = order, .page_size = 2};
    const auto first = world.store().list(world.alice, options);
    REQUIRE(first.ok());
    REQUIRE(world.make_robot("bb").ok());
    REQUIRE(world.patch_robot("d", R"({"spec":{"arms":1}})").ok());
    REQUIRE(world.store().remove(world.alice, robot_ref("c")).ok());
    options.page_token = first->next_page_token;
    const auto second = world.store().list(world.alice, options);
    REQUIRE(message(second) == "ok");
    REQUIRE(second->objects.size() == 2);
    CHECK(second->objects[0].ref.name == "c");
    CHECK(world.show(second->objects[1]).find(R"("arms":4)") != std::string::npos);
    CHECK(second->revision == first->revision);
    CHECK(second->next_page_token.empty());
    options.order_by = "spec.arms desc";
    CHECK(reason(world.store().list(world.alice, options)) == "resource.page-token");
    REQUIRE(world.make_robot("c", R"({"arms":4})").ok());
    REQUIRE(world.store().remove(world.alice, robot_ref("bb")).ok());
    REQUIRE(world.patch_robot("d", R"({"spec":{"arms":4}})").ok());
  }
}

TEST_CASE("a dry run says what would be and changes nothing") {
  World world;
  WriteOptions dry;
  dry.effect = Effect::kDryRun;
  const auto made = world.store().create(world.alice, robot_ref("r1"), Body::json("{}"), dry);
  REQUIRE(message(made) == "ok");
  CHECK(made->object.revision == 0);
  CHECK(reason(world.robot("r1")) == "resource.not-found");
  REQUIRE(world.make_robot("r1").ok());
  CHECK(world.store().patch(world.alice, robot_ref("r1"), R"({"spec":{"arms":7}})", dry)->object.generation == 2);
  CHECK(world.robot("r1")->generation == 1);
  CHECK(world.store().remove(world.alice, robot_ref("r1"), dry).ok());
  CHECK(world.robot("r1").ok());
}

TEST_CASE("a replacement keeps finalizers, unmentioned secrets' masks and immutability") {
  World world;
  REQUIRE(world.make_robot("r1", R"({"password":"p","model":"a"})", R"("finalizers":["shop/x"])").ok());
  const std::string seen = world.show(world.robot("r1"));
  CHECK(seen.find("\"password\":\"********\"") != std::string::npos);
  const auto replaced = world.store().replace(world.alice, robot_ref("r1"), Body::json(seen));
  REQUIRE(message(replaced) == "ok");
  CHECK_FALSE(replaced->changed);
  const auto other = world.store().replace(world.alice, robot_ref("r1"), Body::json(R"({"spec":{"model":"b"}})"));
  CHECK(message(other) == "spec.model: cannot change after creation");
  const auto cleared =
      world.store().replace(world.alice, robot_ref("r1"), Body::json(R"({"spec":{"model":"a","arms":1}})"));
  REQUIRE(message(cleared) == "ok");
  CHECK(world.show(world.robot("r1")).find("password") == std::string::npos);
  CHECK(world.show(world.robot("r1")).find("shop/x") != std::string::npos);
  CHECK(reason(world.patch_robot("r1", R"({"status":{"phase":"IDLE"}})")) == "field.invalid");
  CHECK(reason(world.patch_robot("r1", "[]")) == "json.invalid");
  CHECK(reason(world.patch_robot("r1", R"({"metadata":{"name":"r2"}})")) == "field.invalid");
}

TEST_CASE("an object with finalizers goes when the last one goes") {
  World world;
  REQUIRE(world.make_robot("r1", "{}", R"("finalizers":["shop/a","shop/b"])").ok());
  const auto removed = world.store().remove(world.alice, robot_ref("r1"));
  REQUIRE(message(removed) == "ok");
  CHECK(removed->operation.ends_with("-deleted"));
  CHECK(world.robot("r1")->deleting);
  const ObjectRef operation{std::string(kOperationKind), "default", removed->operation};
  CHECK(world.show(world.store().get(world.alice, operation)).find("RUNNING") != std::string::npos);
  CHECK(reason(world.make_robot("r1")) == "resource.exists");
  CHECK(reason(world.store().update_finalizers(world.host, robot_ref("r1"), {"shop/c"}, {})) == "resource.deleting");
  CHECK(world.store().update_finalizers(world.host, robot_ref("r1"), {}, {"shop/a"})->object.deleting);
  CHECK(world.robot("r1").ok());
  CHECK(reason(world.store().update_finalizers(world.host, robot_ref("r1"), {}, {"shop/b"})) == "ok");
  CHECK(reason(world.robot("r1")) == "resource.not-found");
  CHECK(world.show(world.store().get(world.alice, operation)).find("SUCCEEDED") != std::string::npos);
  const auto again = world.make_robot("r1");
  REQUIRE(again.ok());
  CHECK(again->object.ref.uid != removed->object.ref.uid);
  ObjectRef old = robot_ref("r1");
  old.uid = removed->object.ref.uid;
  CHECK(reason(world.store().remove(world.alice, old)) == "resource.not-found");
}

TEST_CASE("writers without preconditions get through all at once, and lose nothing") {
  World world;
  REQUIRE(world.make_robot("r1").ok());
  std::vector<std::thread> writers;
  std::atomic<int> failed = 0;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&world, &failed, i] {
      for (int n = 0; n < 5; ++n) {
        const std::string label = "l" + std::to_string(i) + "-" + std::to_string(n);
        if (!world.patch_robot("r1", R"({"metadata":{"labels":{")" + label + R"(":""}}})").ok()) ++failed;
      }
    });
  }
  for (auto& writer : writers) writer.join();
  CHECK(failed == 0);
  const std::string seen = world.show(world.robot("r1"));
  for (int i = 0; i < 4; ++i) {
    for (int n = 0; n < 5; ++n)
      CHECK(seen.find("\"l" + std::to_string(i) + "-" + std::to_string(n) + "\"") != std::string::npos);
  }
}

TEST_CASE("pages are of one revision, whatever is written meanwhile") {
  World world;
  for (int i = 0; i < 7; ++i) REQUIRE(world.make_robot("r" + std::to_string(i), "{}", R"("labels":{"n":"a"})").ok());
  REQUIRE(world.set_status("r2", R"({"phase":"ACTIVE"})").ok());
  ListOptions options{"shop/Robot", "default"};
  options.page_size = 3;
  std::vector<std::string> names;
  uint64_t revision = 0;
  for (int page_number = 0; page_number < 10; ++page_number) {
    const auto page = world.store().list(world.alice, options);
    REQUIRE(message(page) == "ok");
    for (const auto& object : page->objects) names.push_back(object.ref.name);
    if (page_number == 0) {
      revision = page->revision;
      CHECK(page->objects[2].status_revision != 0);
      REQUIRE(world.make_robot("r3a").ok());
      REQUIRE(world.store().remove(world.alice, robot_ref("r5")).ok());
    }
    CHECK(page->revision == revision);
    options.page_token = page->next_page_token;
    if (options.page_token.empty()) break;
  }
  CHECK(names == std::vector<std::string>{"r0", "r1", "r2", "r3", "r4", "r5", "r6"});
  CHECK(world.store().list(world.alice, {"shop/Robot", "default"})->objects.size() == 7);
  CHECK(world.store().list(world.alice, {"shop/Robot", "default", "n=a"})->objects.size() == 6);
  CHECK(world.store().list(world.alice, {"shop/Robot", ""})->objects.size() == 7);
}

TEST_CASE("a list refuses tokens of others, pages that are too large, and bad selectors") {
  World world;
  for (int i = 0; i < 3; ++i) REQUIRE(world.make_robot("r" + std::to_string(i)).ok());
  ListOptions options{"shop/Robot", "default"};
  options.page_size = 1;
  const auto page = world.store().list(world.alice, options);
  REQUIRE_FALSE(page->next_page_token.empty());
  ListOptions other{"shop/Station"};
  other.page_token = page->next_page_token;
  CHECK(reason(world.store().list(world.alice, other)) == "resource.page-token");
  other.page_token = "!";
  CHECK(reason(world.store().list(world.alice, other)) == "resource.page-token");
  options.page_size = kMaxPageSize + 1;
  CHECK(reason(world.store().list(world.alice, options)) == "resource.page-size");
  CHECK(reason(world.store().list(world.alice, {"shop/Robot", "default", "a b"})) == "selector.invalid");
  CHECK(reason(world.store().list(world.alice, {"shop/Station", "default"})) == "resource.no-tenant");
}

TEST_CASE("the past can be read while its history is kept") {
  World world;
  const auto made = world.make_robot("r1", R"({"arms":1})");
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":2}})").ok());
  REQUIRE(world.store().remove(world.alice, robot_ref("r1")).ok());
  CHECK(world.store().get(world.alice, robot_ref("r1"), made->object.revision)->generation == 1);
  REQUIRE(state::Sync(world.engine()).compact(world.engine().revision()).ok());
  CHECK(reason(world.store().get(world.alice, robot_ref("r1"), made->object.revision)) == "state.compacted");
}

TEST_CASE("everything is there after a restart, the contract too") {
  World world;
  REQUIRE(world.make_robot("r1", R"({"arms":6})").ok());
  const std::string before = world.show(world.robot("r1"));
  const auto digest = world.store().schema()->digest();
  world.restart();
  CHECK(world.show(world.robot("r1")) == before);
  CHECK(world.store().schema()->digest() == digest);
}

TEST_CASE("each verb asks whether the caller may") {
  World world;
  REQUIRE(world.make_robot("r1").ok());
  world.authorizer.denied = {"user:alice create shop/Robot",        "user:alice get shop/Robot",
                             "user:alice list shop/Robot",          "user:alice watch shop/Robot",
                             "user:alice update shop/Robot",        "user:alice delete shop/Robot",
                             "user:alice update_status shop/Robot", "user:alice update_finalizers shop/Robot"};
  CHECK(reason(world.make_robot("r2")) == "auth.denied");
  CHECK(reason(world.robot("r1")) == "auth.denied");
  CHECK(reason(world.store().list(world.alice, {"shop/Robot", "default"})) == "auth.denied");
  CHECK(reason(world.store().watch(world.alice, {"shop/Robot", "default"})) == "auth.denied");
  CHECK(reason(world.patch_robot("r1", "{}")) == "auth.denied");
  CHECK(reason(world.store().replace(world.alice, robot_ref("r1"), Body::json("{}"))) == "auth.denied");
  CHECK(reason(world.store().remove(world.alice, robot_ref("r1"))) == "auth.denied");
  CHECK(reason(world.store().update_status(world.alice, robot_ref("r1"), "")) == "auth.denied");
  CHECK(reason(world.store().update_finalizers(world.alice, robot_ref("r1"), {}, {})) == "auth.denied");
}

TEST_CASE("a patch of the finalizers needs their own right") {
  World world;
  REQUIRE(world.make_robot("r1", "{}", R"("finalizers":["shop/x"])").ok());
  world.authorizer.denied = {"user:alice update_finalizers shop/Robot"};
  CHECK(reason(world.patch_robot("r1", R"({"metadata":{"finalizers":[]}})")) == "auth.denied");
  CHECK(reason(world.patch_robot("r1", R"({"metadata":{"labels":{"a":"b"}}})")) == "ok");
  world.authorizer.denied.clear();
  CHECK(reason(world.patch_robot("r1", R"({"metadata":{"finalizers":[]}})")) == "ok");
}

TEST_CASE("a contract that is larger than a transaction is kept whole") {
  World world;
  std::string text = R"(syntax = "proto3"; package big.v1; import "novacron/options.proto";
option (novacron.contract) = { version: "1.0.0" };
message M {)";
  for (int i = 1; i <= 4'000; ++i)
    text += "string f" + std::string(300, 'x') + std::to_string(i) + " = " + std::to_string(20'000 + i) + ";\n";
  const std::string set = contract::testing::compile_proto("big.proto", text + "}");
  REQUIRE(set.size() > state::kMaxTxnBytes);
  core::v1::ContractSpec spec;
  spec.set_package("big.v1");
  spec.set_descriptor_set(set);
  const ObjectRef ref{std::string(kContractKind), "", "big-v1"};
  const auto made = world.store().create(world.host, ref, Body::parts("", spec.SerializeAsString()));
  REQUIRE(message(made) == "ok");
  world.restart();
  REQUIRE(world.store().schema()->find_message("big.v1.M") != nullptr);
  spec.set_descriptor_set(std::string(contract::kMaxDescriptorSetBytes + 1, 'x'));
  CHECK_FALSE(world.store().replace(world.host, ref, Body::parts("", spec.SerializeAsString())).ok());
}

TEST_CASE("who belongs to a tenant sees that tenant's objects when it asks for all") {
  World world;
  REQUIRE(world.store().create(world.host, {std::string(kTenantKind), "", "other"}, Body::json("{}")).ok());
  REQUIRE(world.make_robot("r1").ok());
  REQUIRE(world.store().create(world.alice, {"shop/Robot", "other", "r2"}, Body::json("{}")).ok());
  CHECK(world.store().list(world.alice, {"shop/Robot"})->objects.size() == 2);
  const auto page = world.store().list(user("user:bob", "other"), {"shop/Robot"});
  REQUIRE(page->objects.size() == 1);
  CHECK(page->objects[0].ref.name == "r2");
}

TEST_CASE("a request with an Idempotency-Key has its effect once") {
  World world;
  WriteOptions options;
  options.idempotency = Idempotency{"k1", "POST", "/v1/robots", "{}"};
  const auto first = world.store().create(world.alice, robot_ref("r1"), Body::json("{}"), options);
  REQUIRE(message(first) == "ok");
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":5}})").ok());
  const auto again = world.store().create(world.alice, robot_ref("r1"), Body::json("{}"), options);
  REQUIRE(message(again) == "ok");
  CHECK(again->replayed);
  CHECK(again->operation == first->operation);
  CHECK(again->object.revision == first->object.revision);
  options.idempotency->body = "{\"spec\":{}}";
  CHECK(reason(world.store().create(world.alice, robot_ref("r1"), Body::json("{}"), options)) ==
        "resource.idempotency-mismatch");
  options.idempotency->body = "{}";
  CHECK(reason(world.store().create(user("user:bob"), robot_ref("r1"), Body::json("{}"), options)) ==
        "resource.exists");
  world.restart();
  CHECK(world.store().create(world.alice, robot_ref("r1"), Body::json("{}"), options)->replayed);
  world.clock.advance_ns(kIdempotencyLifetimeNs);
  CHECK(reason(world.store().create(world.alice, robot_ref("r1"), Body::json("{}"), options)) == "resource.exists");
  options.idempotency->key = "";
  CHECK(reason(world.store().create(world.alice, robot_ref("r1"), Body::json("{}"), options)) ==
        "resource.idempotency-key");
}

TEST_CASE("every mutation leaves an audit record, and no secret in it") {
  World world;
  const auto count = [&world] {
    state::RangeRequest request;
    request.keys = state::KeyRange::prefix(kAuditPrefix);
    return state::Sync(world.engine()).range(std::move(request))->entries;
  };
  const size_t before = count().size();
  REQUIRE(world.make_robot("r1", R"({"password":"hush-hush"})").ok());
  REQUIRE(world.patch_robot("r1", R"({"spec":{"password":"hush-again"}})").ok());
  REQUIRE(world.set_status("r1", "{}").ok());
  REQUIRE(world.store().remove(world.alice, robot_ref("r1")).ok());
  CHECK_FALSE(world.make_robot("R").ok());
  const auto entries = count();
  CHECK(entries.size() == before + 4);
  for (const auto& entry : entries) CHECK(entry->value.find("hush") == std::string::npos);
  CHECK(entries.back()->value.find("user:alice") != std::string::npos);
  CHECK(entries.back()->value.find("request-1") != std::string::npos);
  world.clock.advance_ns(kAuditLifetimeNs + 1);
  REQUIRE(world.store().expire().ok());
  CHECK(count().empty());
}

TEST_CASE("of many audit records the newest are kept") {
  World world;
  world.retention.audit_count = 150;
  world.restart();
  REQUIRE(world.make_robot("r1").ok());
  for (int i = 0; i < 300; ++i) {
    world.clock.advance_ns(1);
    REQUIRE(world.patch_robot("r1", R"({"metadata":{"labels":{"n":")" + std::to_string(i) + R"("}}})").ok());
  }
  const auto keys = [&world] {
    state::RangeRequest request;
    request.keys = state::KeyRange::prefix(kAuditPrefix);
    return state::Sync(world.engine()).range(std::move(request))->entries;
  };
  const auto before = keys();
  REQUIRE(world.store().expire().ok());
  const auto after = keys();
  REQUIRE(after.size() == 150);
  CHECK(after.back()->key == before.back()->key);
  CHECK(after.front()->key == before[before.size() - 150]->key);
}

TEST_CASE("operations are the host's own, but anybody may ask one to stop") {
  World world;
  const ObjectRef ref{std::string(kOperationKind), "default", "o1"};
  CHECK(reason(world.store().create(world.alice, ref, Body::json(R"({"spec":{"method":"x"}})"))) == "auth.denied");
  REQUIRE(world.store().create(world.host, ref, Body::json(R"({"spec":{"method":"x"}})")).ok());
  CHECK(reason(world.store().replace(world.alice, ref, Body::json(R"({"spec":{"method":"y"}})"))) == "auth.denied");
  CHECK(reason(world.store().patch(world.alice, ref, R"({"spec":{"method":"y"}})")) == "auth.denied");
  CHECK(reason(world.store().update_status(world.alice, ref, "")) == "auth.denied");
  CHECK(reason(world.store().patch(world.alice, ref, R"({"spec":{"cancel":true}})")) == "ok");
}

TEST_CASE("a converge operation says when a controller has done what was asked") {
  World world;
  const auto made = world.make_robot("r1");
  const auto state = [&world](const std::string& name) {
    const auto view = world.store().get(world.alice, {std::string(kOperationKind), "default", name});
    const std::string text = world.show(view);
    for (const auto* word : {"RUNNING", "SUCCEEDED", "FAILED"}) {
      if (text.find(word) != std::string::npos) return std::string(word);
    }
    return text;
  };
  CHECK(state(made->operation) == "RUNNING");
  REQUIRE(world.set_status("r1", R"({"phase":"ACTIVE","observed_generation":1})").ok());
  CHECK(state(made->operation) == "SUCCEEDED");
  const auto changed = world.patch_robot("r1", R"({"spec":{"mood":"SAD"}})");
  CHECK(state(changed->operation) == "RUNNING");
  REQUIRE(world.set_status("r1", R"({"phase":"BROKEN","observed_generation":2,"message":"a wheel came off"})").ok());
  CHECK(state(changed->operation) == "FAILED");
  CHECK(world.show(world.store().get(world.alice, {std::string(kOperationKind), "default", changed->operation}))
            .find("a wheel came off") != std::string::npos);
  CHECK(state(made->object.ref.uid + "-g9") == "resource.not-found");
  CHECK(state("nothing") == "resource.not-found");
}

}  // namespace novacron::host::resource
