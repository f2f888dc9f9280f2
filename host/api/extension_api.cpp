#include "host/api/extension_api.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <vector>

#include "host/api/problem.h"
#include "novacron/http/v1/http.pb.h"

namespace novacron::host::api {
namespace {

namespace contract_v1 = ::novacron::http::v1;

constexpr std::string_view kExtensionKind = "novacron.core/Extension";
constexpr std::string_view kService = "novacron.http.v1.Routes";
constexpr std::string_view kHandle = "Handle", kUpload = "Upload", kConnect = "Connect";
constexpr std::string_view kWebSocketHeaders = "Sec-WebSocket-";
constexpr std::string_view kProtocolHeader = "Sec-WebSocket-Protocol";
constexpr size_t kMaxProtocols = 16;
constexpr int kSwitchingProtocols = 101;
constexpr size_t kMaxResponseHeaders = 64;
constexpr size_t kMaxResponseHeaderBytes = 16 * 1024;

// What concerns one connection, and what is for the host's eyes alone.
constexpr std::array<std::string_view, 14> kNotPassedIn = {"Authorization",
                                                           "Connection",
                                                           "Content-Length",
                                                           "Cookie",
                                                           "Expect",
                                                           "Host",
                                                           "Idempotency-Key",
                                                           "Keep-Alive",
                                                           "TE",
                                                           "Trailer",
                                                           "Transfer-Encoding",
                                                           "Upgrade",
                                                           "Proxy-Authorization",
                                                           "Proxy-Connection"};
// The first group would break the connection, the second belongs to the host, for whose origin it counts.
constexpr std::array<std::string_view, 16> kNotPassedOut = {"Connection",
                                                            "Content-Length",
                                                            "Keep-Alive",
                                                            "Proxy-Authenticate",
                                                            "Proxy-Connection",
                                                            "TE",
                                                            "Trailer",
                                                            "Transfer-Encoding",
                                                            "Upgrade",
                                                            "Access-Control-Allow-Credentials",
                                                            "Access-Control-Allow-Origin",
                                                            "Clear-Site-Data",
                                                            "Set-Cookie",
                                                            "Strict-Transport-Security",
                                                            "X-Content-Type-Options",
                                                            "X-Request-Id"};

template <size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(), [&](auto known) { return equal_without_case(known, name); });
}

/// The subprotocols that a client offers, best first.
std::vector<std::string> protocols_of(const Request& request) {
  std::vector<std::string> protocols;
  for (const auto& [name, value] : request.headers.all()) {
    if (!equal_without_case(name, kProtocolHeader)) continue;
    for (auto& item : items_of(value)) {
      if (protocols.size() < kMaxProtocols) protocols.push_back(std::move(item));
    }
  }
  return protocols;
}

bool is_passed_in(std::string_view name) {
  return !is_one_of(name, kNotPassedIn) &&
         !equal_without_case(name.substr(0, kWebSocketHeaders.size()), kWebSocketHeaders);
}

std::string encode(const Request& request, const ExtensionRoute& route) {
  contract_v1::HttpRequest message;
  message.set_method(std::string(to_string(request.method == Method::kHead ? Method::kGet : request.method)));
  message.set_path(route.path);
  const size_t question = request.target.find('?');
  if (question != std::string::npos) message.set_query(request.target.substr(question + 1));
  for (const auto& [name, value] : request.headers.all()) {
    if (!is_passed_in(name)) continue;
    auto* header = message.add_headers();
    header->set_name(name);
    header->set_value(value);
  }
  message.set_body(request.body);
  message.set_base("/ext/" + percent_encode(route.plugin));
  for (auto& protocol : protocols_of(request)) message.add_protocols(std::move(protocol));
  return message.SerializeAsString();
}

Error malformed(const std::string& plugin, std::string_view why) {
  return {Code::kInternal, "the answer of " + plugin + " is none of HTTP: " + std::string(why), "extension.malformed"};
}

bool is_token(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool is_header(const contract_v1::Header& header) {
  const auto& [name, value] = std::tie(header.name(), header.value());
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token) &&
         std::none_of(value.begin(), value.end(), is_control);
}

bool is_stream_socket(int fd) {
  int type = 0, domain = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return false;
  size = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && type == SOCK_STREAM && domain == AF_UNIX;
}

/// None: the body is in the message.
Result<Fd> stream_of(const std::string& plugin, std::vector<Fd>& fds) {
  if (fds.empty()) return Fd();
  if (fds.size() > 1 || !is_stream_socket(fds.front().get()))
    return malformed(plugin, "what comes with it is not one stream socket");
  return std::move(fds.front());
}

Status add_headers(const std::string& plugin, const contract_v1::HttpResponse& message, Response& response) {
  if (static_cast<size_t>(message.headers_size()) > kMaxResponseHeaders) return malformed(plugin, "too many headers");
  size_t bytes_of_headers = 0;
  for (const auto& header : message.headers()) {
    if (!is_header(header)) return malformed(plugin, "a header has a character that none may have");
    bytes_of_headers += header.name().size() + header.value().size();
    if (!is_one_of(header.name(), kNotPassedOut)) response.headers.add(header.name(), header.value());
  }
  if (bytes_of_headers > kMaxResponseHeaderBytes) return malformed(plugin, "its headers are too large");
  return {};
}

Status add_body(const std::string& plugin, contract_v1::HttpResponse& message, Fd stream, Response& response) {
  if (stream.get() < 0) {
    response.body = std::move(*message.mutable_body());
    return {};
  }
  if (response.status == 204 || response.status == 304) return {};
  StreamBody body{std::move(stream), std::move(*message.mutable_body()), {}};
  if (message.has_body_bytes()) body.size_bytes = message.body_bytes();
  if (body.size_bytes && *body.size_bytes < body.first.size())
    return malformed(plugin, "its body is longer than it says");
  response.body = std::move(body);
  return {};
}

Result<Response> decode(const std::string& plugin, plugin::Message reply) {
  contract_v1::HttpResponse message;
  if (!message.ParseFromString(reply.body)) return malformed(plugin, "the message cannot be read");
  const uint32_t status = message.status() == 0 ? 200 : message.status();
  if (status < 200 || status > 599) return malformed(plugin, "the status is " + std::to_string(status));
  Response response;
  response.status = static_cast<int>(status);
  Fd stream = TRY(stream_of(plugin, reply.fds));
  TRY_STATUS(add_headers(plugin, message, response));
  TRY_STATUS(add_body(plugin, message, std::move(stream), response));
  return response;
}

/// The answer to who asks for a WebSocket.
Result<Response> decode_connection(const Request& request, const std::string& plugin, plugin::Message reply) {
  contract_v1::HttpResponse message;
  if (!message.ParseFromString(reply.body)) return malformed(plugin, "the message cannot be read");
  if (message.status() != kSwitchingProtocols) return decode(plugin, std::move(reply));
  const auto offered = protocols_of(request);
  const std::string& protocol = message.protocol();
  if (!protocol.empty() && std::find(offered.begin(), offered.end(), protocol) == offered.end())
    return malformed(plugin, "the client did not offer the subprotocol");
  Fd stream = TRY(stream_of(plugin, reply.fds));
  if (stream.get() < 0) return malformed(plugin, "a WebSocket needs a stream socket");
  Response response;
  response.status = kSwitchingProtocols;
  response.body = MessagesBody{std::move(stream), protocol};
  return response;
}

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
    if (reply.ok()) return decode(plugin_, *std::move(reply));
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
  plugin::Message request{encode(call.request, route), {}};
  auto reply = TRY(caller_.call(kService, method, {route.plugin, ""}, std::move(request), options_of(call)));
  if (call.request.is_websocket) return decode_connection(call.request, route.plugin, std::move(reply));
  return decode(route.plugin, std::move(reply));
}

bool ExtensionApi::pipes_body(const Request& head) {
  return head.target.starts_with("/ext/");
}

Result<std::shared_ptr<BodyPipe>> ExtensionApi::pipe(const Call& call, const ExtensionRoute& route) {
  TRY_STATUS(authorize(call, route.plugin));
  auto [ours, theirs] = TRY(make_pair_of_sockets());
  plugin::Message request{encode(call.request, route), {}};
  request.fds.push_back(std::move(theirs));
  auto opened = caller_.open(kService, kUpload, {route.plugin, ""}, std::move(request), options_of(call));
  return std::shared_ptr<BodyPipe>(
      std::make_shared<PipedCall>(route.plugin, call.request.id, std::move(ours), std::move(opened)));
}

}  // namespace novacron::host::api
