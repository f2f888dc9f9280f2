#include "host/resource/testing/world.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "host/auth/roles.h"
#include "host/contract/base64.h"
#include "host/contract/testing/testing.h"
#include "host/state/file.h"

namespace novacron::host::resource::testing {

namespace {
std::filesystem::path private_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "resource_test_XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  return name;
}
}  // namespace

Status ListedAuthorizer::authorize(const auth::Context& context, const auth::Access& access) const {
  const std::string wanted = context.identity.principal + " " + access.verb + " " + access.kind;
  if (std::find(denied.begin(), denied.end(), wanted) == denied.end()) return {};
  return Error{Code::kPermissionDenied, wanted, "auth.denied"};
}

auth::ContextPtr user(const std::string& principal, const std::string& tenant) {
  auto context = std::make_shared<auth::Context>();
  context->identity = {principal, tenant, {"admin"}};
  context->request_id = "request-1";
  return context;
}

ObjectRef robot_ref(const std::string& name) {
  return {"shop/Robot", "default", name};
}
ObjectRef station_ref(const std::string& name) {
  return {"shop/Station", "", name};
}

World::World() : alice(user("user:alice")), host(auth::host_context("node1")), folder_(private_folder()) {
  start();
  const std::string set = contract::base64_encode(contract::testing::shop_descriptor_set());
  const auto made = store_->create(host, {std::string(kContractKind), "", "shop-v1"},
                                   Body::json(R"({"spec":{"package":"shop.v1","descriptor_set":")" + set + "\"}}"));
  if (!made.ok()) FAIL(made.error().message);
}

World::~World() {
  store_.reset();
  engine_.reset();
  std::filesystem::remove_all(folder_);
}

void World::start() {
  state::Replica::Options options;
  options.folder = folder_.string();
  options.segment_bytes = 1 << 20;
  auto engine = state::Replica::open(state::posix_files(), clock, std::move(options));
  if (!engine.ok()) FAIL(engine.error().message);
  engine_ = std::move(*engine);
  Store::Options store{*engine_, authorizer, clock};
  store.retention = retention;
  store_ = std::make_unique<Store>(std::move(store));
  const auto started = store_->bootstrap();
  if (!started.ok()) FAIL(started.error().message);
}

void World::restart() {
  store_.reset();
  engine_.reset();
  start();
}

Result<WriteResult> World::make_robot(const std::string& name, const std::string& spec, const std::string& metadata) {
  const std::string extra = metadata.empty() ? "" : "," + metadata;
  return store_->create(alice, robot_ref(""),
                        Body::json(R"({"metadata":{"name":")" + name + "\"" + extra + R"(},"spec":)" + spec + "}"), {});
}

Result<WriteResult> World::make_station(const std::string& name) {
  return store_->create(alice, station_ref(name), Body::json("{}"));
}

Result<WriteResult> World::patch_robot(const std::string& name, const std::string& patch) {
  return store_->patch(alice, robot_ref(name), patch);
}

Result<ObjectView> World::robot(const std::string& name) {
  return store_->get(alice, robot_ref(name));
}

Result<WriteResult> World::set_status(const std::string& name, const std::string& status) {
  const auto schema = store_->schema();
  const auto bytes = contract::json_to_message(*schema->find_kind("shop/Robot")->status, status);
  REQUIRE(bytes.ok());
  return store_->update_status(host, robot_ref(name), *bytes);
}

std::string World::show(const Result<ObjectView>& object) {
  return object.ok() ? to_json(*object).value() : object.error().reason;
}

}  // namespace novacron::host::resource::testing
