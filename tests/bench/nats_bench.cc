// Events of 100 bytes through a nats-server, from one publisher to a number of subscribers, each on its own connection.
// Usage: nats_bench PORT SUBSCRIBERS EVENTS   →   {"published": 1, "delivered": 1} in millions a second, all told
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using Time = std::chrono::steady_clock;
constexpr size_t kBodyBytes = 100;
constexpr size_t kEventsAtOnce = 1'024;
constexpr size_t kReadBytes = 256 * 1024;
const std::string kSubject = "bench";

[[noreturn]] void fail(const char* why) {
  std::fprintf(stderr, "nats_bench: %s\n", why);
  std::exit(1);
}

void send_all(int file, const std::string& text) {
  for (size_t sent = 0; sent < text.size();) {
    const ssize_t count = ::send(file, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) fail("the server closed the connection");
    sent += static_cast<size_t>(count);
  }
}

/// Sends a line and waits until the server has taken it.
void ask(int file, const std::string& line) {
  send_all(file, line + "PING\r\n");
  std::string heard;
  while (heard.find("PONG\r\n") == std::string::npos) {
    char buffer[4096];
    const ssize_t count = ::recv(file, buffer, sizeof buffer, 0);
    if (count <= 0) fail("the server closed the connection");
    heard.append(buffer, static_cast<size_t>(count));
  }
}

int connected(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file < 0 || ::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("cannot connect");
  }
  ask(file, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n");
  return file;
}

void publish(int file, size_t events) {
  const std::string event =
      "PUB " + kSubject + " " + std::to_string(kBodyBytes) + "\r\n" + std::string(kBodyBytes, 'x') + "\r\n";
  std::string batch;
  for (size_t i = 0; i < kEventsAtOnce; ++i) batch += event;
  for (size_t sent = 0; sent < events; sent += kEventsAtOnce) send_all(file, batch);
  ask(file, "");
}

/// Every event has the same length, so bytes tell how many have come.
void drain(int file, size_t events) {
  const std::string event =
      "MSG " + kSubject + " 1 " + std::to_string(kBodyBytes) + "\r\n" + std::string(kBodyBytes, 'x') + "\r\n";
  std::vector<char> buffer(kReadBytes);
  for (size_t left = events * event.size(); left > 0;) {
    const ssize_t count = ::recv(file, buffer.data(), std::min(buffer.size(), left), 0);
    if (count <= 0) fail("the server cut a subscriber off");
    left -= static_cast<size_t>(count);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) fail("usage: nats_bench PORT SUBSCRIBERS EVENTS");
  const auto port = static_cast<uint16_t>(std::atoi(arguments[1]));
  const size_t subscribers = std::strtoul(arguments[2], nullptr, 10);
  const size_t events = std::strtoul(arguments[3], nullptr, 10) / kEventsAtOnce * kEventsAtOnce;
  std::vector<int> files;
  for (size_t i = 0; i < subscribers; ++i) {
    files.push_back(connected(port));
    ask(files.back(), "SUB " + kSubject + " 1\r\n");
  }
  const int publisher = connected(port);
  const auto begun = Time::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Time::now() - begun).count(); };
  std::vector<std::thread> readers;
  for (const int file : files) readers.emplace_back(drain, file, events);
  publish(publisher, events);
  const double published = seconds();
  for (auto& reader : readers) reader.join();
  const double millions = static_cast<double>(events) / 1e6;
  std::printf("{\"published\": %.3f, \"delivered\": %.3f}\n", millions / published,
              millions * static_cast<double>(subscribers) / seconds());
}
