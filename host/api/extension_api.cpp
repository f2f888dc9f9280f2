#include "host/api/extension_api.h"

#include <sys/socket.h>

#include <vector>

#include "host/api/extension_messages.h"
#include "host/api/problem.h"

namespace novacron::host::api {
namespace {

constexpr std::string_view kExtensionKind = "novacron.core/Extension";
constexpr std::string_view kService = "novacron.http.v1.Routes";
constexpr std::string_view kHandle = "Handle", kUpload = "Upload", kConnect = "Connect";

/// A request whose body goes to the plugin through a socket.
class PipedCall final : public BodyPipe {
 public:
  PipedCall(std::string plugin, std::string request_id, Fd socket, std::unique_ptr<plugin::ClientCall> call)
      : plugin_(std::move(plugin)),
        request_id_(std::move(request_id)),
        socket_(std::move(socket)),
        call_(std::move(call)) {}

  Fd take_socket() override { return std::move(socket_); }
  Response wait() override {
    auto answer = answer_of(call_->wait());
    return answer.ok() ? *std::move(answer) : problem(answer.error(), request_id_);
  }
  void cancel() override { call_->cancel(); }

 private:
  Result<Response> answer_of(Result<plugin::Message> reply) const {
    if (reply.ok()) return extension_answer(plugin_, *std::move(reply));
    if (reply.code() != Code::kUnimplemented) return std::move(reply).error();
    return Error{Code::kInvalidArgument, plugin_ + " takes no bodies of more than 1 MiB", "http.body-too-large"};
  }

  const std::string plugin_;
  const std::string request_id_;
  Fd socket_;
  const std::unique_ptr<plugin::ClientCall> call_;
};

Result<std::pair<Fd, Fd>> make_pair_of_sockets() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return errno_error("make a socket", errno);
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

plugin::CallOptions options_of(const Call& call) {
  plugin::CallOptions options;
  options.context = call.context;
  options.idempotency_key = call.request.headers.get("Idempotency-Key");
  return options;
}

}  // namespace

Status ExtensionApi::check_installed(const Call& call, const std::string& plugin) {
  const auto found = resources_.get(call.context, {std::string(resource::kPluginKind), "", plugin});
  if (found.ok() || found.code() != Code::kNotFound) return {};  // who may not see plugins may use one all the same
  return Error{Code::kNotFound, "there is no plugin \"" + plugin + "\"", "http.path"};
}

Status ExtensionApi::authorize(const Call& call, const std::string& plugin) {
  const Method method = call.request.method;
  if (method == Method::kOther) return method_not_allowed(call.request, "GET, HEAD, POST, PUT, PATCH, DELETE");
  const bool reads = !call.request.is_websocket && (method == Method::kGet || method == Method::kHead);
  TRY_STATUS(authorizer_.authorize(*call.context, {reads ? "get" : "update", std::string(kExtensionKind), "", plugin}));
  return check_installed(call, plugin);
}

Result<Response> ExtensionApi::handle(const Call& call, const ExtensionRoute& route) {
  TRY_STATUS(authorize(call, route.plugin));
  const auto method = call.request.is_websocket ? kConnect : kHandle;
  plugin::Message request{extension_request(call.request, route), {}};
  auto reply = TRY(caller_.call(kService, method, {route.plugin, ""}, std::move(request), options_of(call)));
  if (call.request.is_websocket) return extension_connection(call.request, route.plugin, std::move(reply));
  return extension_answer(route.plugin, std::move(reply));
}

bool ExtensionApi::pipes_body(const Request& head) {
  return head.target.starts_with("/ext/");
}

Result<std::shared_ptr<BodyPipe>> ExtensionApi::pipe(const Call& call, const ExtensionRoute& route) {
  TRY_STATUS(authorize(call, route.plugin));
  auto [ours, theirs] = TRY(make_pair_of_sockets());
  plugin::Message request{extension_request(call.request, route), {}};
  request.fds.push_back(std::move(theirs));
  auto opened = caller_.open(kService, kUpload, {route.plugin, ""}, std::move(request), options_of(call));
  return std::shared_ptr<BodyPipe>(
      std::make_shared<PipedCall>(route.plugin, call.request.id, std::move(ours), std::move(opened)));
}

}  // namespace novacron::host::api
