#include "host/api/extension_api.h"

#include <algorithm>
#include <array>

#include "novacron/http/v1/http.pb.h"

namespace novacron::host::api {
namespace {

namespace contract_v1 = ::novacron::http::v1;

constexpr std::string_view kExtensionKind = "novacron.core/Extension";
constexpr std::string_view kService = "novacron.http.v1.Routes";
constexpr std::string_view kMethod = "Handle";
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

std::string encode(const Request& request, const ExtensionRoute& route) {
  contract_v1::HttpRequest message;
  message.set_method(std::string(to_string(request.method == Method::kHead ? Method::kGet : request.method)));
  message.set_path(route.path);
  const size_t question = request.target.find('?');
  if (question != std::string::npos) message.set_query(request.target.substr(question + 1));
  for (const auto& [name, value] : request.headers.all()) {
    if (is_one_of(name, kNotPassedIn)) continue;
    auto* header = message.add_headers();
    header->set_name(name);
    header->set_value(value);
  }
  message.set_body(request.body);
  message.set_base("/ext/" + percent_encode(route.plugin));
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

Result<Response> decode(const std::string& plugin, const std::string& bytes) {
  contract_v1::HttpResponse message;
  if (!message.ParseFromString(bytes)) return malformed(plugin, "the message cannot be read");
  const uint32_t status = message.status() == 0 ? 200 : message.status();
  if (status < 200 || status > 599) return malformed(plugin, "the status is " + std::to_string(status));
  if (static_cast<size_t>(message.headers_size()) > kMaxResponseHeaders) return malformed(plugin, "too many headers");
  Response response;
  response.status = static_cast<int>(status);
  size_t bytes_of_headers = 0;
  for (const auto& header : message.headers()) {
    if (!is_header(header)) return malformed(plugin, "a header has a character that none may have");
    bytes_of_headers += header.name().size() + header.value().size();
    if (!is_one_of(header.name(), kNotPassedOut)) response.headers.add(header.name(), header.value());
  }
  if (bytes_of_headers > kMaxResponseHeaderBytes) return malformed(plugin, "its headers are too large");
  response.body = std::move(*message.mutable_body());
  return response;
}

}  // namespace

Status ExtensionApi::check_installed(const Call& call, const std::string& plugin) {
  const auto found = resources_.get(call.context, {std::string(resource::kPluginKind), "", plugin});
  if (found.ok() || found.code() != Code::kNotFound) return {};  // who may not see plugins may use one all the same
  return Error{Code::kNotFound, "there is no plugin \"" + plugin + "\"", "http.path"};
}

Result<Response> ExtensionApi::handle(const Call& call, const ExtensionRoute& route) {
  const Method method = call.request.method;
  if (method == Method::kOther) return method_not_allowed(call.request, "GET, HEAD, POST, PUT, PATCH, DELETE");
  const bool reads = method == Method::kGet || method == Method::kHead;
  TRY_STATUS(
      authorizer_.authorize(*call.context, {reads ? "get" : "update", std::string(kExtensionKind), "", route.plugin}));
  TRY_STATUS(check_installed(call, route.plugin));
  plugin::CallOptions options;
  options.context = call.context;
  options.idempotency_key = call.request.headers.get("Idempotency-Key");
  plugin::Message request{encode(call.request, route), {}};
  const auto reply = TRY(caller_.call(kService, kMethod, {route.plugin, ""}, std::move(request), options));
  return decode(route.plugin, reply.body);
}

}  // namespace novacron::host::api
