// The whole API over real stores in a private folder, for tests.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "host/api/gateway.h"
#include "host/api/server.h"
#include "host/api/testing/test_client.h"
#include "host/base/timer_queue.h"
#include "host/plugin/service.h"
#include "host/resource/testing/world.h"

namespace novacron::host::api {

/// Answers every method of shop.v1.RobotActions with {"found": "<what it was called with>"}.
class RobotPlugin final : public plugin::Caller {
 public:
  Result<plugin::Message> call(std::string_view service, std::string_view method, const plugin::Target& target,
                               plugin::Message request, const plugin::CallOptions& options) override;
  std::unique_ptr<plugin::ClientCall> open(std::string_view service, std::string_view method,
                                           const plugin::Target& target, plugin::Message request,
                                           const plugin::CallOptions& options) override;
  void call_async(std::string_view service, std::string_view method, const plugin::Target& target,
                  plugin::Message request, const plugin::CallOptions& options,
                  std::function<void(Result<plugin::Message>)> done) override;

  std::atomic<int> calls{0};
};

/// Settings that count how often they were read again, or are refused.
class FakeControl final : public HostControl {
 public:
  std::string settings() const override { return R"({"settings":[]})"; }
  Result<std::string> reload(const auth::ContextPtr& context) override;

  std::atomic<int> reloads{0};
  std::atomic<bool> is_broken{false};
  std::string reloaded_by;
};

struct ApiWorld {
  ApiWorld();

  TestFolder folder;
  resource::testing::World world;
  WorkerPool pool{{}};
  TimerQueue timers{system_clock()};
  bus::Bus bus{system_clock()};
  metrics::Metrics metrics;
  std::unique_ptr<blob::Store> blobs;
  std::unique_ptr<auth::Tokens> tokens;
  std::string credential;
  std::unique_ptr<auth::Authenticator> authenticator;
  RobotPlugin robots;
  FakeControl control;
  std::unique_ptr<resource::Actions> actions;
  std::atomic<bool> is_ready{true};
  std::atomic<bool> is_whole{true};
  std::unique_ptr<Gateway> gateway;
  std::unique_ptr<Server> server;
  const std::string path = folder.path + "/api.sock";
};

/// It with a client, and with words for what tests do to robots.
struct RobotsWorld : ApiWorld {
  static constexpr const char* kRobots = "/v1/tenants/default/robots";
  static constexpr const char* kJson = "Content-Type: application/json\r\n";
  static constexpr const char* kPatch = "Content-Type: application/merge-patch+json\r\n";

  TestClient client{path};

  Answer post(const std::string& target, const std::string& body, const std::string& headers = "") {
    return client.call("POST", target, body, kJson + headers);
  }
  Answer make(const std::string& name, const std::string& labels = "{}") {
    return post(kRobots, R"({"metadata":{"name":")" + name + R"(","labels":)" + labels + "}}");
  }
  std::string robot(const std::string& name) const { return std::string(kRobots) + "/" + name; }
};

/// Of a problem; empty: it is none.
std::string reason(const Answer& answer);

}  // namespace novacron::host::api
