#include "host/resource/services/services.h"

#include <novacron/core/v1/blob.pb.h>
#include <novacron/core/v1/resource.pb.h>
#include <novacron/core/v1/state.pb.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "host/base/timer_queue.h"
#include "host/base/worker_pool.h"
#include "host/blob/store.h"
#include "host/resource/testing/world.h"

namespace novacron::host::resource {

namespace {
namespace api = core::v1;
using testing::World;
constexpr uint64_t kPatienceNs = 20'000'000'000;

/// The callee's end of a call that a test makes.
class FakeCall final : public plugin::ServerCall {
 public:
  explicit FakeCall(auth::ContextPtr context, std::string node = {})
      : context_(std::move(context)), node_(std::move(node)) {}

  const auth::ContextPtr& context() const override { return context_; }
  uint64_t deadline_ns() const override { return system_clock().monotonic_ns() + kPatienceNs; }
  const std::string& idempotency_key() const override { return key_; }
  const std::string& node() const override { return node_; }
  bool cancelled() const override { return cancelled_; }
  void on_cancel(std::function<void()> callback) override {
    std::unique_lock lock(mutex_);
    on_cancel_ = callback;
    lock.unlock();
    if (cancelled_) callback();
  }
  /// The reader goes: the call ends soon.
  void cancel() {
    std::unique_lock lock(mutex_);
    cancelled_ = true;
    const auto callback = on_cancel_;
    lock.unlock();
    if (callback) callback();
    CHECK(wait().code() == Code::kCancelled);
  }
  Status write(plugin::Message message) override {
    const std::lock_guard lock(mutex_);
    if (written_.size() >= room) return Error{Code::kResourceExhausted, "not read", "call.unread"};
    written_.push_back(message.body);
    changed_.notify_all();
    return {};
  }
  Result<plugin::Message> read() override { return Error{Code::kOutOfRange, "no stream"}; }
  void finish(Result<plugin::Message> result) override {
    const std::lock_guard lock(mutex_);
    REQUIRE_FALSE(result_.has_value());
    result_ = std::move(result);
    changed_.notify_all();
  }

  Result<plugin::Message> wait() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::nanoseconds(kPatienceNs), [this] { return result_.has_value(); }));
    return std::move(*result_);
  }
  /// The next message of the stream.
  std::string next() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::nanoseconds(kPatienceNs), [this] { return !written_.empty(); }));
    std::string message = std::move(written_.front());
    written_.pop_front();
    return message;
  }

  size_t room = 64;

 private:
  auth::ContextPtr context_;
  std::string node_;
  std::string key_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> cancelled_ = false;
  std::function<void()> on_cancel_;
  std::deque<std::string> written_;
  std::optional<Result<plugin::Message>> result_;
};

auth::ContextPtr plugin_context(const std::string& id, std::vector<std::string> prefixes = {},
                                const std::string& principal = "") {
  auto grant = std::make_shared<auth::Grant>();
  grant->plugin = id;
  grant->state = std::move(prefixes);
  auto context = std::make_shared<auth::Context>();
  context->identity.principal = principal.empty() ? "plugin:" + id : principal;
  context->chain.push_back(std::move(grant));
  return context;
}

std::shared_ptr<FakeCall> start(plugin::Service& service, const auth::ContextPtr& context, const std::string& method,
                                const std::string& request, const std::string& node = {}) {
  const auto& methods = service.spec().methods;
  const auto found = std::find_if(methods.begin(), methods.end(), [&](const auto& m) { return m.name == method; });
  REQUIRE(found != methods.end());
  auto call = std::make_shared<FakeCall>(context, node);
  service.invoke(call, static_cast<uint32_t>(found - methods.begin()), plugin::Message{request, {}});
  return call;
}

template <class Reply, class Request>
Result<Reply> call(plugin::Service& service, const auth::ContextPtr& context, const std::string& method,
                   const Request& request, const std::string& node = {}) {
  auto result = start(service, context, method, request.SerializeAsString(), node)->wait();
  if (!result.ok()) return std::move(result).error();
  Reply reply;
  REQUIRE(reply.ParseFromString(result->body));
  return reply;
}

struct ServiceWorld : World {
  WorkerPool pool{WorkerPool::Options{}};
  TimerQueue timers{system_clock()};
  std::unique_ptr<plugin::Service> resources = make_resources_service(store(), pool, timers);
  std::unique_ptr<plugin::Service> keys = make_state_service(engine(), pool, timers);

  Result<api::TxnReply> put(const auth::ContextPtr& context, const std::string& key, uint64_t lease = 0) {
    api::TxnRequest request;
    auto& put = *request.add_writes()->mutable_put();
    put.set_key(key);
    put.set_value("v");
    put.set_lease(lease);
    return call<api::TxnReply>(*keys, context, "Txn", request);
  }
  Result<api::RangeReply> range(const auth::ContextPtr& context, const std::string& begin, const std::string& end) {
    api::RangeRequest request;
    request.set_begin(begin);
    request.set_end(end);
    return call<api::RangeReply>(*keys, context, "Range", request);
  }
  Result<api::Object> get(const auth::ContextPtr& context, const std::string& name) {
    api::GetRequest request;
    request.mutable_ref()->set_kind("shop/Robot");
    request.mutable_ref()->set_tenant("default");
    request.mutable_ref()->set_name(name);
    return call<api::Object>(*resources, context, "Get", request);
  }
};

template <class T>
std::string reason(const Result<T>& result) {
  return result.ok() ? "ok" : result.error().reason;
}
}  // namespace

TEST_CASE("a plugin reaches its own keys, those it was granted, and never the host's") {
  ServiceWorld world;
  const auto a = plugin_context("a", {"shared/"});
  CHECK(reason(world.put(a, "plugin/a/x")) == "ok");
  CHECK(reason(world.put(a, "shared/x")) == "ok");
  CHECK(reason(world.put(a, "plugin/b/x")) == "auth.denied");
  CHECK(reason(world.put(a, "plugin/ab/x")) == "auth.denied");
  CHECK(reason(world.put(a, "resource/shop/Robot/default/r1/spec")) == "auth.denied");
  CHECK(reason(world.put(plugin_context("a", {""}), "resource/x")) == "auth.denied");
  const auto bold = plugin_context("bold", {"resource/"});  // even when somebody grants the host's own words
  CHECK(reason(world.put(bold, "resource/novacron.core/Tenant/-/default/spec")) == "ok");
  CHECK(world.store().get(world.alice, {std::string(kTenantKind), "", "default"}).ok());
  CHECK(world.range(bold, "resource/", "resource0")->entries_size() == 1);
}

TEST_CASE("a range must lie within one prefix, whatever its ends are") {
  ServiceWorld world;
  const auto a = plugin_context("a");
  REQUIRE(world.put(a, "plugin/a/x").ok());
  const auto all = world.range(a, "plugin/a/", "plugin/a0");
  REQUIRE(all.ok());
  CHECK(all->entries(0).key() == "plugin/a/x");
  CHECK(reason(world.range(a, "plugin/a/", "plugin/b/")) == "auth.denied");
  CHECK(reason(world.range(a, "plugin/a/", std::string(1, '\0'))) == "auth.denied");
  CHECK(reason(world.range(a, "", "plugin/a0")) == "auth.denied");
  CHECK(reason(world.range(a, "plugin/a", "plugin/a0")) == "auth.denied");
}

TEST_CASE("a transaction compares and writes as one, and refuses what it cannot read") {
  ServiceWorld world;
  const auto a = plugin_context("a");
  api::TxnRequest request;
  auto& compare = *request.add_compares();
  compare.set_key("plugin/a/x");
  compare.set_target(api::Compare::MOD_REVISION);
  compare.set_operator_(api::Compare::EQUAL);
  request.add_writes()->mutable_put()->set_key("plugin/a/x");
  CHECK(call<api::TxnReply>(*world.keys, a, "Txn", request)->succeeded());
  CHECK_FALSE(call<api::TxnReply>(*world.keys, a, "Txn", request)->succeeded());
  compare.set_target(static_cast<api::Compare::Target>(99));
  CHECK(reason(call<api::TxnReply>(*world.keys, a, "Txn", request)) == "state.compare");
  CHECK_FALSE(start(*world.keys, a, "Txn", "\xff")->wait().ok());
}

TEST_CASE("a lease is its owner's alone") {
  ServiceWorld world;
  const auto a = plugin_context("a");
  const auto b = plugin_context("b");
  api::LeaseGrantRequest grant;
  grant.set_ttl_ms(60'000);
  const auto lease = call<api::LeaseReply>(*world.keys, a, "GrantLease", grant);
  REQUIRE(lease.ok());
  api::LeaseRequest request;
  request.set_lease(lease->lease());
  CHECK(reason(call<api::LeaseReply>(*world.keys, b, "KeepLease", request)) == "state.lease");
  CHECK(reason(call<api::LeaseReply>(*world.keys, b, "RevokeLease", request)) == "state.lease");
  CHECK(reason(world.put(b, "plugin/b/x", lease->lease())) == "state.lease");
  CHECK(reason(world.put(a, "plugin/a/x", lease->lease())) == "ok");
  CHECK(reason(call<api::LeaseReply>(*world.keys, a, "KeepLease", request)) == "ok");
  CHECK(reason(call<api::LeaseReply>(*world.keys, a, "RevokeLease", request)) == "ok");
  CHECK(world.range(a, "plugin/a/x", "")->entries_size() == 0);
}

TEST_CASE("a watch of keys tells their changes under the plugin's names") {
  ServiceWorld world;
  const auto a = plugin_context("a");
  api::WatchKeysRequest request;
  request.set_begin("plugin/a/");
  request.set_end("plugin/a0");
  request.set_after_revision(world.engine().revision());
  const auto stream = start(*world.keys, a, "Watch", request.SerializeAsString());
  REQUIRE(world.put(a, "plugin/a/x").ok());
  api::WatchKeysReply reply;
  REQUIRE(reply.ParseFromString(stream->next()));
  CHECK(reply.events(0).entry().key() == "plugin/a/x");
  stream->cancel();
}

TEST_CASE("a user behind the call sees no secret, a plugin by itself does") {
  ServiceWorld world;
  REQUIRE(world.make_robot("r1", R"({"password":"hush"})").ok());
  CHECK(world.get(plugin_context("a"), "r1")->spec().find("hush") != std::string::npos);
  const auto for_alice = world.get(plugin_context("a", {}, "user:alice"), "r1");
  REQUIRE(for_alice.ok());
  CHECK(for_alice->spec().find("hush") == std::string::npos);
  api::UpdateSpecRequest back;  // what was masked stays what it was when it is written back
  *back.mutable_object() = *for_alice;
  REQUIRE(call<api::Object>(*world.resources, plugin_context("a", {}, "user:alice"), "UpdateSpec", back).ok());
  CHECK(world.get(plugin_context("a"), "r1")->spec().find("hush") != std::string::npos);
}

TEST_CASE("a plugin writes status against the revision that it has seen") {
  ServiceWorld world;
  REQUIRE(world.make_robot("r1").ok());
  const auto a = plugin_context("a");
  api::UpdateStatusRequest request;
  request.mutable_ref()->set_kind("shop/Robot");
  request.mutable_ref()->set_tenant("default");
  request.mutable_ref()->set_name("r1");
  request.set_status(std::string("\x08\x02", 2));
  const auto first = call<api::Object>(*world.resources, a, "UpdateStatus", request);
  REQUIRE(first.ok());
  CHECK(first->status_revision() > first->spec_revision());
  request.set_expected_status_revision(first->status_revision() - 1);
  CHECK(reason(call<api::Object>(*world.resources, a, "UpdateStatus", request)) == "resource.conflict");
}

TEST_CASE("a watch of objects goes on when a slow reader reads again") {
  ServiceWorld world;
  api::WatchRequest request;
  request.set_kind("shop/Robot");
  request.set_after_revision(world.engine().revision());
  const auto stream = std::make_shared<FakeCall>(plugin_context("a"));
  stream->room = 1;
  world.resources->invoke(stream, 2, plugin::Message{request.SerializeAsString(), {}});
  for (int i = 0; i < 5; ++i) REQUIRE(world.make_robot("r" + std::to_string(i)).ok());
  std::vector<std::string> names;
  while (names.size() < 5) {
    api::WatchEvent event;
    REQUIRE(event.ParseFromString(stream->next()));
    if (event.type() == api::WatchEvent::TYPE_PUT) names.push_back(event.object().metadata().name());
  }
  CHECK(names == std::vector<std::string>{"r0", "r1", "r2", "r3", "r4"});
  stream->cancel();
}

TEST_CASE("a claim has one node at a time, and a fence that only grows") {
  ServiceWorld world;
  const auto a = plugin_context("a", {"claim/"});
  const auto one = make_claims_service(world.engine(), "one", "i1");
  const auto two = make_claims_service(world.engine(), "two", "i1");
  api::AcquireClaimRequest acquire;
  acquire.set_uid("u1");
  const auto first = call<api::Claim>(*one, a, "Acquire", acquire);
  REQUIRE(first.ok());
  CHECK(call<api::Claim>(*one, a, "Acquire", acquire)->fence() == first->fence());
  CHECK(reason(call<api::Claim>(*two, a, "Acquire", acquire)) == "claim.held");
  api::ReleaseClaimRequest release;
  release.set_uid("u1");
  release.set_fence(first->fence() - 1);
  CHECK(reason(call<api::ReleaseClaimReply>(*one, a, "Release", release)) == "claim.stale");
  release.set_fence(first->fence());
  CHECK(reason(call<api::ReleaseClaimReply>(*two, a, "Release", release)) == "claim.held");
  REQUIRE(call<api::ReleaseClaimReply>(*one, a, "Release", release).ok());
  const auto second = call<api::Claim>(*two, a, "Acquire", acquire);
  REQUIRE(second.ok());
  CHECK(second->fence() > first->fence());
  CHECK(reason(call<api::Claim>(*one, plugin_context("b"), "Acquire", acquire)) == "auth.denied");
}

TEST_CASE("a claim is taken by the node that its caller named") {
  ServiceWorld world;
  const auto a = plugin_context("a", {"claim/"});
  const auto claims = make_claims_service(world.engine(), "one", "i1");
  api::AcquireClaimRequest acquire;
  acquire.set_uid("u1");
  const auto claim = call<api::Claim>(*claims, a, "Acquire", acquire, "played");
  REQUIRE(claim.ok());
  CHECK(claim->node() == "played");
  CHECK(reason(call<api::Claim>(*claims, a, "Acquire", acquire)) == "claim.held");
  api::ReleaseClaimRequest release;
  release.set_uid("u1");
  release.set_fence(claim->fence());
  CHECK(reason(call<api::ReleaseClaimReply>(*claims, a, "Release", release, "one")) == "claim.held");
  CHECK(call<api::ReleaseClaimReply>(*claims, a, "Release", release, "played").ok());
}

TEST_CASE("blobs are read only when every plugin of the chain may") {
  std::string folder = (std::filesystem::temp_directory_path() / "services_test_XXXXXX").string();
  REQUIRE(mkdtemp(folder.data()) != nullptr);
  {
    auto blobs = blob::Store::open(folder, {}, system_clock());
    REQUIRE(blobs.ok());
    const auto service = make_blobs_service(**blobs);
    api::BlobRequest request;
    request.set_digest((*blobs)->put("content")->digest);
    const auto context = [](bool first, bool second) {
      auto made = std::make_shared<auth::Context>();
      made->identity.principal = "user:alice";
      for (const bool may : {first, second}) {
        auto grant = std::make_shared<auth::Grant>();
        grant->plugin = "p";
        grant->blobs = may;
        made->chain.push_back(std::move(grant));
      }
      return made;
    };
    CHECK(reason(call<api::BlobInfo>(*service, context(false, true), "Stat", request)) == "auth.denied");
    CHECK(reason(call<api::BlobInfo>(*service, context(true, false), "Open", request)) == "auth.denied");
    CHECK(call<api::BlobInfo>(*service, context(true, true), "Stat", request)->size_bytes() == 7);
    auto opened = start(*service, context(true, true), "Open", request.SerializeAsString())->wait();
    REQUIRE(opened.ok());
    REQUIRE(opened->fds.size() == 1);
    char buffer[16] = {};
    CHECK(::read(opened->fds[0].get(), buffer, sizeof buffer) == 7);
    CHECK(std::string(buffer) == "content");
  }
  std::filesystem::remove_all(folder);
}

}  // namespace novacron::host::resource
