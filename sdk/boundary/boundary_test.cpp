#include "sdk/boundary/boundary.h"

#include <catch2/catch.hpp>
#include <functional>

using namespace novacron::boundary;

struct nc_instance {
  const nc_host* host;
  std::function<nc_code(const nc_host& host, const nc_request& request)>* method;
};

namespace {

using Method = std::function<nc_code(const nc_host& host, const nc_request& request)>;

/// A host that says yes to everything, and a plugin whose one method is the test's.
struct World {
  explicit World(Method plugin_method, GuardedMemory* memory = nullptr)
      : method(std::move(plugin_method)),
        boundary(&plugin, &host, {.memory = memory, .findings = &findings, .transcript = &transcript}) {
    host.size = sizeof(host);
    nc_error error{};
    const nc_buf config{&pointer, sizeof(pointer), nullptr, nullptr};
    REQUIRE(boundary.create(&config, &error) == NC_OK);
  }
  ~World() { boundary.destroy(); }

  nc_code call(nc_call id, const std::string& body = "you") {
    nc_message message{};
    message.size = sizeof(message);
    message.body = {body.data(), body.size(), nullptr, nullptr};
    nc_request request{};
    request.size = sizeof(request);
    request.call = id;
    request.message = &message;
    return boundary.invoke(0, &request);
  }
  std::vector<Subject> subjects() const {
    std::vector<Subject> out;
    for (const Finding& finding : findings.all()) out.push_back(finding.subject);
    return out;
  }

  static nc_code create(const nc_host* table, const nc_buf* config, nc_instance** out, nc_error*) {
    *out = new nc_instance{table, *static_cast<Method* const*>(config->ptr)};
    return NC_OK;
  }
  static nc_code invoke(nc_instance* me, uint32_t, const nc_request* request) {
    return (*me->method)(*me->host, *request);
  }
  static void destroy(nc_instance* me) { delete me; }
  static nc_code finish(void*, nc_call, const nc_result*) { return NC_OK; }
  static nc_code read(void*, nc_call, nc_message*, uint64_t) { return NC_OUT_OF_RANGE; }
  static void cancel(void*, nc_call) {}

  Method method;
  Method* const pointer = &method;
  nc_host host = [] {
    nc_host table{};
    table.size = sizeof(table);
    table.finish = finish;
    table.read = read;
    table.cancel = cancel;
    return table;
  }();
  const nc_method fast{sizeof(nc_method), NC_METHOD_FAST, {"Run", 3}, 0};
  const nc_method* const methods[1] = {&fast};
  const nc_service service{sizeof(nc_service), 0, {"test.v1.T", 9}, methods, 1};
  const nc_service* const services[1] = {&service};
  const nc_descriptor descriptor{sizeof(nc_descriptor), 0, {"t", 1}, {"1", 1}, {"v", 1}, services, 1, {"", 0}};
  const nc_plugin plugin = [this] {
    nc_plugin table{};
    table.size = sizeof(table);
    table.descriptor = &descriptor;
    table.create = create;
    table.invoke = invoke;
    table.destroy = destroy;
    return table;
  }();
  Findings findings;
  Transcript transcript;
  Boundary boundary;
};

nc_code finish(const nc_host& host, nc_call call, nc_code code = NC_OK) {
  nc_result result{};
  result.size = sizeof(result);
  result.code = code;
  return host.finish(host.self, call, &result);
}

}  // namespace

TEST_CASE("a call that is finished once is no finding, and its crossings are written down") {
  World world([](const nc_host& host, const nc_request& request) { return finish(host, request.call); });
  CHECK(world.call(7) == NC_OK);
  world.boundary.check_ended();
  CHECK(world.subjects().empty());
  std::vector<std::string> names;
  for (const Record& record : world.transcript.records()) names.push_back(record.at);
  CHECK(names == std::vector<std::string>{"create", "create.end", "invoke", "host.finish", "invoke.end"});
  CHECK(world.transcript.records()[3].text("call") == "call-1");
}

TEST_CASE("a call that is finished twice, or never, or refused besides, is a finding") {
  World twice([](const nc_host& host, const nc_request& request) {
    finish(host, request.call);
    return finish(host, request.call);
  });
  twice.call(1);
  CHECK(twice.subjects() == std::vector{Subject::kFinish});

  World never([](const nc_host&, const nc_request&) { return NC_OK; });
  never.call(1);
  CHECK(never.boundary.open_calls() == 1);
  never.boundary.check_ended();
  CHECK(never.subjects() == std::vector{Subject::kFinish});

  World refused([](const nc_host& host, const nc_request& request) {
    finish(host, request.call);
    return NC_UNAVAILABLE;
  });
  refused.call(1);
  CHECK(refused.subjects() == std::vector{Subject::kFinish});
}

TEST_CASE("an id that was never given, a code that is none and a wait where nothing may wait are findings") {
  World world([](const nc_host& host, const nc_request& request) {
    nc_message message{};
    message.size = sizeof(message);
    host.cancel(host.self, 4711);
    host.read(host.self, request.call, &message, 0);
    return finish(host, request.call, static_cast<nc_code>(99));
  });
  world.call(1);
  CHECK(world.subjects() == std::vector{Subject::kIds, Subject::kWaits, Subject::kStructs});
}

TEST_CASE("what a request lends is a copy that is over when the method returns") {
  GuardedMemory memory;
  const void* seen = nullptr;
  World world(
      [&](const nc_host& host, const nc_request& request) {
        seen = request.message->body.ptr;
        CHECK(std::string(static_cast<const char*>(seen), request.message->body.len) == "you");
        return finish(host, request.call);
      },
      &memory);
  world.call(1);
  Loaned about;
  REQUIRE(memory.explain(seen, about));
  CHECK(about.is_over);
  CHECK(about.length == 3);
  CHECK(memory.running() == 1);  // the host's table
}
