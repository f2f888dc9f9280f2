// The answer message of a plugin's route: what is let through can be sent to a client as it is. The first byte says
// whether the client asked for a WebSocket, and how many stream sockets come with the answer.
#include <google/protobuf/stubs/logging.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/api/extension_messages.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<Fd> sockets(size_t count) {
  std::vector<Fd> fds;
  while (fds.size() < count) {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    fds.emplace_back(ends[0]);
    Fd other(ends[1]);
  }
  return fds;
}

bool belongs_to_the_host(std::string_view name) {
  for (const auto* known : {"Set-Cookie", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade",
                            "Access-Control-Allow-Origin", "X-Request-Id"}) {
    if (equal_without_case(name, known)) return true;
  }
  return false;
}

void check_headers(const Headers& headers) {
  size_t bytes = 0;
  for (const auto& [name, value] : headers.all()) {
    require(!name.empty() && name.find_first_of(": \r\n\t") == std::string::npos && !belongs_to_the_host(name));
    require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    bytes += name.size() + value.size();
  }
  require(headers.all().size() <= 64 && bytes <= 16 * 1024);
}

void check(const Response& response, bool is_websocket, size_t sockets_sent) {
  check_headers(response.headers);
  if (response.status == 101) {
    const auto& messages = std::get<MessagesBody>(response.body);
    require(is_websocket && messages.socket.get() >= 0);
    require(messages.protocol.empty() || messages.protocol == "chat" || messages.protocol == "dots");
    return;
  }
  require(response.status >= 200 && response.status <= 599 && sockets_sent <= 1);
  const auto* stream = std::get_if<StreamBody>(&response.body);
  if (stream == nullptr) return;
  require(stream->socket.get() >= 0 && sockets_sent == 1);
  require(!stream->size_bytes || *stream->size_bytes >= stream->first.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto quiet = google::protobuf::SetLogHandler(nullptr);  // texts that are no UTF-8 are many
  (void)quiet;
  if (size == 0) return 0;
  const bool is_websocket = (data[0] & 1) != 0;
  const size_t count = (data[0] >> 1) % 3;
  plugin::Message reply{std::string(reinterpret_cast<const char*>(data + 1), size - 1), sockets(count)};
  Request request;
  request.is_websocket = is_websocket;
  request.headers.add("Sec-WebSocket-Protocol", "chat, dots");
  const auto response =
      is_websocket ? extension_connection(request, "p", std::move(reply)) : extension_answer("p", std::move(reply));
  if (response.ok()) check(*response, is_websocket, count);
  if (!response.ok()) require(response.error().reason == "extension.malformed");
  return 0;
}
