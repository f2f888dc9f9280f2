// A service made of typed functions: decodes the request, encodes the reply.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/base/clock.h"
#include "host/plugin/service.h"

namespace novacron::host::resource {

using CallPtr = std::shared_ptr<plugin::ServerCall>;

class MethodTable final : public plugin::Service {
 public:
  explicit MethodTable(std::string name) { spec_.name = std::move(name); }

  /// `function` answers with a Result<Reply>: Result<Reply>(plugin::ServerCall&, const Request&).
  template <class Request, class Reply, class Function>
  void unary(std::string name, Function function) {
    add(std::move(name), 0, [function = std::move(function)](const CallPtr& call, const std::string& body) {
      Request request;
      if (!request.ParseFromString(body)) return call->finish(malformed());
      Result<Reply> reply = function(*call, request);
      if (!reply.ok()) return call->finish(std::move(reply).error());
      plugin::Message message;
      message.body = reply->SerializeAsString();
      call->finish(std::move(message));
    });
  }

  /// `function` ends the call itself: void(CallPtr, const Request&).
  template <class Request, class Function>
  void custom(std::string name, uint32_t flags, Function function) {
    add(std::move(name), flags, [function = std::move(function)](const CallPtr& call, const std::string& body) {
      Request request;
      if (!request.ParseFromString(body)) return call->finish(malformed());
      function(call, request);
    });
  }

  const plugin::ServiceSpec& spec() const override { return spec_; }
  void invoke(CallPtr call, uint32_t method, plugin::Message request) override {
    handlers_[method](call, request.body);
  }

 private:
  using Handler = std::function<void(const CallPtr&, const std::string&)>;

  static Error malformed() {
    return {Code::kInvalidArgument, "the request is no message of the method's type", "message.malformed"};
  }
  void add(std::string name, uint32_t flags, Handler handler) {
    spec_.methods.push_back({std::move(name), flags, 0});
    handlers_.push_back(std::move(handler));
  }

  plugin::ServiceSpec spec_;
  std::vector<Handler> handlers_;
};

/// What is left of the call's time, at least one millisecond.
inline uint64_t left_ms(const plugin::ServerCall& call) {
  const uint64_t now = system_clock().monotonic_ns();
  return call.deadline_ns() > now + 1'000'000 ? (call.deadline_ns() - now) / 1'000'000 : 1;
}

/// The grant of the plugin that calls; null when the call comes from the host itself.
inline const auth::Grant* caller_grant(const plugin::ServerCall& call) {
  const auto& chain = call.context()->chain;
  return chain.empty() ? nullptr : chain.back().get();
}

}  // namespace novacron::host::resource
