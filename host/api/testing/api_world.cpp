#include "host/api/testing/api_world.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "host/contract/json.h"
#include "host/contract/testing/testing.h"

namespace novacron::host::api {
namespace {

/// A call that has its result already.
class FinishedCall final : public plugin::ClientCall {
 public:
  explicit FinishedCall(Result<plugin::Message> result) : result_(std::move(result)) {}
  Result<plugin::Message> read() override { return Error{Code::kOutOfRange, "the end"}; }
  Status write(plugin::Message) override { return Error{Code::kFailedPrecondition, "not a stream"}; }
  void finish_writing() override {}
  void cancel() override {}
  Result<plugin::Message> wait() override { return std::move(result_); }

 private:
  Result<plugin::Message> result_;
};

}  // namespace

Result<plugin::Message> RobotPlugin::call(std::string_view service, std::string_view method, const plugin::Target&,
                                          plugin::Message request, const plugin::CallOptions&) {
  ++calls;
  const auto* found = contract::testing::shop_schema()->find_service(service)->find(method);
  const auto text = TRY(contract::message_to_json(*found->request, request.body));
  const std::string thing = text.find("ball") != std::string::npos ? "ball" : "nothing";
  plugin::Message reply;
  reply.body = TRY(contract::json_to_message(*found->reply, "{\"found\":\"" + thing + "\"}"));
  return reply;
}

std::unique_ptr<plugin::ClientCall> RobotPlugin::open(std::string_view service, std::string_view method,
                                                      const plugin::Target& target, plugin::Message request,
                                                      const plugin::CallOptions& options) {
  return std::make_unique<FinishedCall>(call(service, method, target, std::move(request), options));
}

void RobotPlugin::call_async(std::string_view service, std::string_view method, const plugin::Target& target,
                             plugin::Message request, const plugin::CallOptions& options,
                             std::function<void(Result<plugin::Message>)> done) {
  done(call(service, method, target, std::move(request), options));
}

Result<std::string> FakeControl::reload(const auth::ContextPtr& context) {
  reloaded_by = context->identity.principal;
  if (is_broken) return Error{Code::kInvalidArgument, "n.toml:3: colour is no setting", "config.invalid"};
  ++reloads;
  return std::string(R"({"changed":[],"restart_required":[]})");
}

ApiWorld::ApiWorld() {
  blobs = blob::Store::open(folder.path + "/blobs", {}, system_clock()).value();
  tokens = auth::Tokens::create({folder.path + "/token.key"}).value();
  auto opened = auth::BootstrapCredential::open(folder.path + "/credential").value();
  credential = *opened.secret;
  authenticator = std::make_unique<auth::Authenticator>(
      auth::Authenticator::Options{*tokens, std::move(opened.credential), ::geteuid()});
  actions = std::make_unique<resource::Actions>(world.store(), robots, pool, timers);
  gateway = std::make_unique<Gateway>(Gateway::Parts{
      *authenticator, world.authorizer, world.store(), *actions, robots, *blobs, bus, metrics, control, pool,
      [this] {
        return std::vector<Check>{
            {.name = "state", .ok = is_ready, .message = is_ready ? "" : "the disk is full"},
            {.name = "plugins", .ok = is_whole, .message = is_whole ? "" : "one hangs", .required = false}};
      },
      "node1", "1.2.3"});
  Server::Options options;
  options.unix_socket = path;
  server = Server::create(options, *gateway, pool).value();
  server->start();
}

std::string reason(const Answer& answer) {
  return nlohmann::json::parse(answer.body, nullptr, false).value("reason", "");
}

}  // namespace novacron::host::api
