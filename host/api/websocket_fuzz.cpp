// Frames from a WebSocket client, in the hands that serve a bridge: it ends in bounded time, the plugin's end sees no
// byte that the client did not send as one, and the client gets nothing but frames of RFC 6455.
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/api/session.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

constexpr auto kPatience = std::chrono::seconds(8);
constexpr size_t kMaxInput = 32 * 1024;  ///< fits a socket's buffer, so that one thread does for all ends

void require(bool holds) {
  if (!holds) std::abort();
}

class NoApplication final : public Application {
 public:
  bool streams_body(const Request&) const override { return false; }
  Response handle(const Request&) override { return {}; }
  std::variant<Response, std::unique_ptr<BodySink>> begin(const Request&) override { return Response(); }
  bool pipes_body(const Request&) const override { return false; }
  std::variant<Response, std::shared_ptr<BodyPipe>> pipe(const Request&) override { return Response(); }
};

struct Pair {
  Pair() {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    ours = Fd(ends[0]);
    theirs = Fd(ends[1]);
  }
  void say(std::string_view bytes) const {
    require(::send(ours.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) == ssize_t(bytes.size()));
    ::shutdown(ours.get(), SHUT_WR);
  }
  std::string heard() const {
    std::string all;
    char piece[4096];
    for (ssize_t got; (got = ::recv(ours.get(), piece, sizeof piece, MSG_DONTWAIT)) > 0;) all.append(piece, got);
    return all;
  }
  Fd ours, theirs;
};

/// Bytes as frames: a byte for flags and opcode, one for how the length is written, one for the length, the payload.
std::string framed(std::string_view in) {
  std::string out;
  while (in.size() >= 3) {
    const auto head = static_cast<uint8_t>(in[0]), form = static_cast<uint8_t>(in[1]);
    const auto payload = in.substr(3, static_cast<uint8_t>(in[2]));
    in.remove_prefix(3 + payload.size());
    const bool masked = form < 250;
    out += static_cast<char>(head);
    const size_t length = payload.size();
    if (form % 3 == 0 && length < 126) {
      out += static_cast<char>((masked ? 0x80 : 0) | length);
    } else if (form % 3 == 1) {
      out += {static_cast<char>((masked ? 0x80 : 0) | 126), static_cast<char>(length >> 8), static_cast<char>(length)};
    } else {
      out += static_cast<char>((masked ? 0x80 : 0) | 127);
      for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(uint64_t{length} >> shift);
    }
    if (masked) out.append(4, '\0');
    out += payload;
  }
  return out;
}

HttpRequest upgrade() {
  HttpRequest request;
  request.method(http::verb::get);
  request.target("/");
  request.version(11);
  request.set(http::field::host, "h");
  request.set(http::field::connection, "Upgrade");
  request.set(http::field::upgrade, "websocket");
  request.set(http::field::sec_websocket_version, "13");
  request.set(http::field::sec_websocket_key, "dGhlIHNhbXBsZSBub25jZQ==");
  return request;
}

/// What a server may send: whole or fragmented messages, control frames that are short, all unmasked.
void check_frames(std::string_view out) {
  const size_t head = out.find("\r\n\r\n");
  require(head != std::string_view::npos && out.starts_with("HTTP/1.1 101 "));
  out.remove_prefix(head + 4);
  while (!out.empty()) {
    if (out.size() < 2) return;  // cut off with the connection
    const auto first = static_cast<uint8_t>(out[0]), second = static_cast<uint8_t>(out[1]);
    const int opcode = first & 0x0f;
    require((first & 0x70) == 0 && (second & 0x80) == 0);
    require(opcode <= 2 || (opcode >= 8 && opcode <= 10));
    size_t length = second & 0x7f, skip = 2;
    require(opcode < 8 || (length <= 125 && (first & 0x80) != 0));
    if (length == 126) {
      if (out.size() < 4) return;
      length = static_cast<size_t>(static_cast<uint8_t>(out[2])) << 8 | static_cast<uint8_t>(out[3]);
      skip = 4;
    }
    require(length != 127);  // no message of ours is so long
    if (out.size() < skip + length) return;
    out.remove_prefix(skip + length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > kMaxInput) return 0;
  static NoApplication application;
  static WorkerPool pool{{}};
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string sent = (data[0] & 1) != 0 ? framed(input) : std::string(input);
  const Pair client, plugin;
  client.say(sent);
  plugin.say((data[0] & 2) != 0 ? "from the plugin" : "");
  {
    asio::io_context io{1};
    Socket socket(io, asio::generic::stream_protocol(AF_UNIX, 0), ::dup(client.theirs.get()));
    auto shared = std::make_shared<Shared>(Limits{}, application, pool);
    auto session = std::make_shared<Session>(std::move(socket), nullptr, auth::Peer{}, shared);
    bool ended = false;
    asio::co_spawn(io, serve_bridge(session, upgrade(), Fd(::dup(plugin.theirs.get()))),
                   [&ended](const std::exception_ptr& thrown) {
                     require(!thrown);
                     ended = true;
                   });
    session.reset();
    io.run_for(kPatience);
    require(ended);
  }
  require(plugin.heard().size() <= sent.size());
  check_frames(client.heard());
  return 0;
}
