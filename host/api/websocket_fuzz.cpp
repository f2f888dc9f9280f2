// A WebSocket between a client and a plugin, both of whom send anything: it ends in time, whatever stays open; what the
// client gets are frames of a server, and what the plugin gets are whole messages and then the end of its stream.
//
// The first byte says what is served and who closes, the second how many of the other bytes are the client's.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/http/field.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/api/message_frames.h"
#include "host/api/session.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

constexpr uint8_t kIsBridge = 1, kClientStays = 2, kPluginStays = 4, kDrains = 8;
constexpr std::chrono::seconds kPatience{8};  // the times below are of milliseconds; this machine may be busy
constexpr size_t kMaxInput = 8'192;           // fits into a socket, so that nobody has to read meanwhile

void require(bool holds) {
  if (!holds) std::abort();
}

class Nothing final : public Application {
 public:
  bool streams_body(const Request&) const override { return false; }
  Response handle(const Request&) override { return {}; }
  std::variant<Response, std::unique_ptr<BodySink>> begin(const Request&) override { return Response(); }
  bool pipes_body(const Request&) const override { return false; }
  std::variant<Response, std::shared_ptr<BodyPipe>> pipe(const Request&) override { return Response(); }
};

Limits short_limits() {
  Limits limits;
  limits.write_ms = 5;
  limits.ping_ms = 5;
  limits.linger_ms = 5;
  return limits;
}

struct Pair {
  Pair() {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    host = Fd(ends[0]);
    other = Fd(ends[1]);
  }
  /// Says something, and then that this is all, unless it stays.
  void say(std::string_view bytes, bool stays) {
    require(::send(other.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
    if (!stays) require(::shutdown(other.get(), SHUT_WR) == 0);
  }
  std::string heard() {
    std::string all(1 << 16, '\0');
    size_t got = 0;
    while (got < all.size()) {
      const ssize_t now = ::recv(other.get(), all.data() + got, all.size() - got, 0);
      if (now <= 0) break;
      got += static_cast<size_t>(now);
    }
    all.resize(got);
    return all;
  }
  Fd host;
  Fd other;
};

HttpRequest upgrade() {
  HttpRequest request(http::verb::get, "/", 11);
  request.set(http::field::host, "a");
  request.set(http::field::connection, "Upgrade");
  request.set(http::field::upgrade, "websocket");
  request.set(http::field::sec_websocket_version, "13");
  request.set(http::field::sec_websocket_key, "dGhlIHNhbXBsZSBub25jZQ==");
  return request;
}

/// Nothing behind the first frame that is cut off, or that closes.
void check_frames(std::string_view rest) {
  while (rest.size() >= 2) {
    const auto first = static_cast<uint8_t>(rest[0]), second = static_cast<uint8_t>(rest[1]);
    require((first & 0x70) == 0 && (second & 0x80) == 0);  // no extension, not masked
    size_t size = second;
    const size_t head = second < 126 ? 2 : second == 126 ? 4 : 10;
    if (rest.size() < head) return;
    if (head > 2) size = 0;
    for (size_t i = 2; i < head; ++i) size = size << 8 | static_cast<uint8_t>(rest[i]);
    if (rest.size() - head < size) return;
    rest.remove_prefix(head + size);
    if ((first & 0x0f) == 8) return require(rest.empty());
  }
}

void check_client_heard(std::string_view text) {
  const size_t end = text.find("\r\n\r\n");
  require(text.starts_with("HTTP/1.1 101 ") && end != std::string_view::npos);
  check_frames(text.substr(end + 4));
}

void check_plugin_heard(std::string_view rest) {
  bool ended = false;
  while (!rest.empty()) {
    require(!ended && rest.size() >= kMessageHeadBytes);
    const auto head = parse_message_head(rest.substr(0, kMessageHeadBytes));
    require(head && rest.size() - kMessageHeadBytes >= head->size);
    ended = head->kind == MessageKind::kEnd;
    // How a client ended may be a code that nobody may send.
    if (ended) require(head->size >= 2 && head->size <= 2 + kMaxEndReasonBytes);
    if (!ended) require(is_message({head->kind, std::string(rest.substr(kMessageHeadBytes, head->size))}));
    rest.remove_prefix(kMessageHeadBytes + head->size);
  }
}

struct Talk {
  Pair client;
  Pair plugin;
  asio::io_context io;
  WorkerPool pool{{}};
  Nothing nothing;
  std::shared_ptr<Shared> shared = std::make_shared<Shared>(short_limits(), nothing, pool);

  void serve(uint8_t how) {
    const asio::generic::stream_protocol protocol(AF_UNIX, 0);
    Socket socket(io, protocol, client.host.release());
    auto session = std::make_shared<Session>(std::move(socket), nullptr, auth::Peer{}, shared);
    if ((how & kIsBridge) != 0) {
      asio::co_spawn(io, serve_bridge(session, upgrade(), std::move(plugin.host)), asio::detached);
    } else {
      asio::co_spawn(io, serve_messages(session, upgrade(), {std::move(plugin.host), "chat"}), asio::detached);
    }
    if ((how & kDrains) != 0) {
      shared->draining = true;
      session->drain();
    }
    session.reset();
    io.run_for(kPatience);
    require(io.stopped());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > kMaxInput) return 0;
  const uint8_t how = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  const size_t split = std::min<size_t>(data[1], bytes.size());
  Talk talk;
  talk.client.say(bytes.substr(0, split), (how & kClientStays) != 0);
  talk.plugin.say(bytes.substr(split), (how & kPluginStays) != 0);
  talk.serve(how);
  check_client_heard(talk.client.heard());
  if ((how & kIsBridge) == 0) check_plugin_heard(talk.plugin.heard());
  return 0;
}
