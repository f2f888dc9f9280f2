#include "host/api/extension_messages.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "host/api/call.h"
#include "novacron/http/v1/http.pb.h"

namespace novacron::host::api {
namespace {

namespace contract_v1 = ::novacron::http::v1;

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

bool is_passed_in(std::string_view name) {
  const auto is_it = [name](std::string_view known) { return equal_without_case(known, name); };
  return std::none_of(kNotPassedIn.begin(), kNotPassedIn.end(), is_it) &&
         !equal_without_case(name.substr(0, kWebSocketHeaders.size()), kWebSocketHeaders);
}

bool is_kept_back(std::string_view name) {
  const auto is_it = [name](std::string_view known) { return equal_without_case(known, name); };
  return std::any_of(kNotPassedOut.begin(), kNotPassedOut.end(), is_it);
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
    if (!is_kept_back(header.name())) response.headers.add(header.name(), header.value());
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

}  // namespace

std::vector<std::string> offered_protocols(const Request& request) {
  std::vector<std::string> protocols;
  for (const auto& [name, value] : request.headers.all()) {
    if (!equal_without_case(name, kProtocolHeader)) continue;
    for (auto& item : items_of(value)) {
      if (protocols.size() < kMaxProtocols) protocols.push_back(std::move(item));
    }
  }
  return protocols;
}

std::string extension_request(const Request& request, const ExtensionRoute& route) {
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
  for (auto& protocol : offered_protocols(request)) message.add_protocols(std::move(protocol));
  return message.SerializeAsString();
}

Result<Response> extension_answer(const std::string& plugin, plugin::Message reply) {
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

Result<Response> extension_connection(const Request& request, const std::string& plugin, plugin::Message reply) {
  contract_v1::HttpResponse message;
  if (!message.ParseFromString(reply.body)) return malformed(plugin, "the message cannot be read");
  if (message.status() != kSwitchingProtocols) return extension_answer(plugin, std::move(reply));
  const auto offered = offered_protocols(request);
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

}  // namespace novacron::host::api
