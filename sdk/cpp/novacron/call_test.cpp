// Calls and streams between a plugin and its callers, over the ABI's tables.
#include "novacron/call.h"

#include <fcntl.h>

#include <catch2/catch.hpp>

#include "novacron/testdata/v1/everything.nc.h"
#include "novacron/testing/host.h"

using namespace novacron::testdata::v1;
using novacron::Code;
using novacron::Error;
using novacron::Fd;
using novacron::Fds;
using novacron::Result;
using novacron::Status;

namespace {

Fd some_fd() {
  return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

// Answers in the ways that the tests need.
class Everything final : public novacron::Provides<EverythingService> {
 public:
  Result<Lists> unary(novacron::Call& call, const Scalars& request) override {
    if (request.f_string == "throw") throw std::runtime_error("thrown");
    if (request.f_string == "fail") {
      return Error{.code = Code::kNotFound,
                   .message = "no image",
                   .reason = "image.missing",
                   .retry_after_ns = 5,
                   .detail = "d"};
    }
    if (request.f_string == "nested") return nested(call);
    Lists reply;
    for (Fd& fd : call.take_fds()) {
      reply.f_int32.push_back(::fcntl(fd.get(), F_GETFD));
      call.attach(std::move(fd));
    }
    const auto caller = NC_TRY(call.caller());
    reply.f_string = {caller.principal, caller.plugin, std::string(call.idempotency_key())};
    reply.f_uint64 = {call.deadline_ns()};
    return reply;
  }

  Status server_stream(novacron::Call& call, const Scalars& request, novacron::Writer<Scalars>& replies) override {
    for (uint32_t i = 0; i < request.f_uint32; ++i)
      NC_TRY_STATUS(replies.write({.f_uint32 = i}, i == 0 ? call.take_fds() : Fds()));
    if (request.f_string == "fail") return Error{.code = Code::kDataLoss, .message = "in the middle"};
    return {};
  }

  Result<Lists> client_stream(novacron::Call&, novacron::Reader<Scalars>& requests) override {
    Lists reply;
    while (auto request = NC_TRY(requests.next())) reply.f_uint32.push_back(request->f_uint32);
    return reply;
  }

  Status exchange(novacron::Call&, novacron::Reader<Scalars>& requests, novacron::Writer<Scalars>& replies) override {
    while (auto request = NC_TRY(requests.next())) NC_TRY_STATUS(replies.write({.f_uint32 = request->f_uint32 * 2}));
    return {};
  }

 private:
  Result<Lists> nested(novacron::Call& call) { return EverythingClient(host()).unary({}, call.on_behalf()); }
};

struct Fixture {
  novacron::testing::Host host;
  novacron::testing::Loaded<Everything> plugin = *host.load<Everything>();
  EverythingClient client{host.client()};
};

}  // namespace

TEST_CASE("a refusal arrives with all its parts", "[call]") {
  Fixture f;
  const auto reply = f.client.unary({.f_string = "fail"});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kNotFound);
  CHECK(reply.error().message == "no image");
  CHECK(reply.error().reason == "image.missing");
  CHECK(reply.error().retry_after_ns == 5);
  CHECK(reply.error().detail == "d");
}

TEST_CASE("an exception ends the call, and not the plugin", "[call]") {
  Fixture f;
  const auto reply = f.client.unary({.f_string = "throw"});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kInternal);
  CHECK(reply.error().reason == "plugin.exception");
  CHECK(f.client.unary({}).ok());
}

TEST_CASE("a method that is not overridden is unimplemented", "[call]") {
  Fixture f;
  const auto reply = f.client.delete_({});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Code::kUnimplemented);
}

TEST_CASE("a service that nobody offers is unavailable, and is there as soon as it is offered", "[call]") {
  novacron::testing::Host host;
  const EverythingClient client(host.client());
  CHECK(client.unary({}).code() == Code::kUnavailable);
  const auto plugin = host.load<Everything>();
  REQUIRE(plugin.ok());
  CHECK(client.unary({}).ok());
}

TEST_CASE("a malformed request is refused before the method sees it", "[call]") {
  Fixture f;
  auto route = f.host.client().connect(EverythingService::kDescriptor, {});
  for (const uint32_t method : {0U, 1U}) {
    auto call = novacron::open_call(route, method, "\xFF", {});
    const auto reply = call.wait();
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().reason == "message.malformed");
  }
}

TEST_CASE("caller, key and deadline reach the callee", "[call]") {
  Fixture f;
  novacron::CallOptions options{.deadline_ns = f.host.now_ns() + 77, .idempotency_key = "once"};
  const auto reply = f.client.unary({}, std::move(options));
  REQUIRE(reply.ok());
  CHECK(reply->f_string == std::vector<std::string>{"user:test", "", "once"});
  CHECK(reply->f_uint64 == std::vector<uint64_t>{f.host.now_ns() + 77});
}

TEST_CASE("a method's own timeout is the default", "[call]") {
  Fixture f;
  const auto reply = f.client.unary({});
  REQUIRE(reply.ok());
  CHECK(reply->f_uint64 == std::vector<uint64_t>{f.host.now_ns() + 1'500'000'000});
}

TEST_CASE("a nested call runs on behalf of the caller, a stale context is refused", "[call]") {
  Fixture f;
  const nc_context alice = f.host.context({.principal = "user:alice"});
  const auto reply = f.client.unary({.f_string = "nested"}, {.context = alice});
  REQUIRE(reply.ok());
  CHECK(reply->f_string.front() == "user:alice");
  f.host.drop_context(alice);
  CHECK(f.client.unary({}, {.context = alice}).code() == Code::kUnauthenticated);
}

TEST_CASE("descriptors travel with requests, replies and stream messages", "[call]") {
  Fixture f;
  Fds sent;
  sent.push_back(some_fd());
  Fds received;
  const auto reply = f.client.unary({}, {.fds = std::move(sent), .received = &received});
  REQUIRE(reply.ok());
  CHECK(reply->f_int32 == std::vector<int32_t>{FD_CLOEXEC});
  REQUIRE(received.size() == 1);
  CHECK(::fcntl(received[0].get(), F_GETFD) == FD_CLOEXEC);

  auto stream = f.client.server_stream({.f_uint32 = 1}, {.fds = std::move(received)});
  Fds streamed;
  REQUIRE(stream.next(&streamed).ok());
  CHECK(streamed.size() == 1);
}

TEST_CASE("more descriptors than a message holds are refused at once", "[call]") {
  Fixture f;
  Fds many;
  for (uint32_t i = 0; i <= NC_FDS_MAX; ++i) many.push_back(some_fd());
  const auto reply = f.client.unary({}, {.fds = std::move(many)});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().reason == "call.too-many-descriptors");
  CHECK(f.host.calls().empty());
}

TEST_CASE("a large reply is handed over", "[call]") {
  Fixture f;
  const std::string key(3 * novacron::Outgoing::kGiveAway, 'k');
  const auto reply = f.client.unary({.f_bytes = key}, {.idempotency_key = key});
  REQUIRE(reply.ok());
  CHECK(reply->f_string[2] == key);
}

TEST_CASE("a server stream ends with its messages, or with its error after them", "[call]") {
  Fixture f;
  for (const char* how : {"", "fail"}) {
    auto stream = f.client.server_stream({.f_uint32 = 100, .f_string = how});
    for (uint32_t i = 0; i < 100; ++i) {
      const auto reply = stream.next();
      REQUIRE(reply.ok());
      REQUIRE(reply->has_value());
      CHECK((*reply)->f_uint32 == i);
    }
    const auto end = stream.next();
    CHECK(end.code() == (std::string_view(how) == "fail" ? Code::kDataLoss : Code::kOk));
    if (end.ok()) CHECK_FALSE(end->has_value());
  }
}

TEST_CASE("a cancelled server stream ends at both sides", "[call]") {
  Fixture f;
  auto stream = f.client.server_stream({.f_uint32 = UINT32_MAX});
  REQUIRE(stream.next().ok());
  stream.cancel();
  Code code = Code::kOk;
  while (code == Code::kOk) code = stream.next().code();
  CHECK(code == Code::kCancelled);
}

TEST_CASE("a client stream is answered after its end", "[call]") {
  Fixture f;
  auto stream = f.client.client_stream();
  for (uint32_t i = 0; i < 50; ++i) REQUIRE(stream.write({.f_uint32 = i}).ok());
  const auto reply = stream.finish();
  REQUIRE(reply.ok());
  CHECK(reply->f_uint32.size() == 50);
}

TEST_CASE("an empty message of a stream is a message, not its end", "[call]") {
  Fixture f;
  auto stream = f.client.client_stream();
  for (int i = 0; i < 3; ++i) REQUIRE(stream.write({}).ok());
  const auto reply = stream.finish();
  REQUIRE(reply.ok());
  CHECK(reply->f_uint32 == std::vector<uint32_t>{0, 0, 0});
}

TEST_CASE("requests and replies are exchanged at the same time", "[call]") {
  Fixture f;
  auto exchange = f.client.exchange();
  for (uint32_t i = 1; i < 40; ++i) {
    REQUIRE(exchange.write({.f_uint32 = i}).ok());
    const auto reply = exchange.next();
    REQUIRE(reply.ok());
    CHECK((*reply)->f_uint32 == 2 * i);
  }
  REQUIRE(exchange.finish_writing().ok());
  const auto end = exchange.next();
  REQUIRE(end.ok());
  CHECK_FALSE(end->has_value());
}

TEST_CASE("an asynchronous call completes once, on a worker", "[call]") {
  Fixture f;
  int completions = 0;
  f.client.unary_async({}, [&](Result<Lists> reply) { completions += reply.ok() ? 1 : 100; });
  f.client.unary_async({.f_string = "fail"}, [&](const Result<Lists>& reply) { completions += reply.ok() ? 100 : 1; });
  CHECK(completions == 0);
  f.host.run_until_idle();
  CHECK(completions == 2);
}
