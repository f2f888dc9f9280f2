// Load over HTTP/1.1, without TLS, for measurements of servers side by side.
//
//   http_bench requests ADDRESS CONNECTIONS SECONDS METHOD PATH [BODY]
//       {"requests": 1, "per_s": 1, "p50_us": 1, "p99_us": 1}
//   http_bench fanout ADDRESS WATCHERS METHOD PATH [BODY] < WRITES
//       opens the watchers, then makes each write: a line "MARK<tab>METHOD<tab>PATH<tab>BODY"; a write has reached a
//       watcher when the watcher has read MARK
//       {"watchers": 1, "writes": 1, "p50_ms": 1, "p99_ms": 1}: until all of them have it
//
// ADDRESS is unix:PATH or tcp:IPV4:PORT. Ends with 1 and says why when an answer is not a 2xx or nothing comes for 30
// s.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Time = std::chrono::steady_clock;
constexpr int kPatienceMs = 30'000;
constexpr size_t kReadBytes = 64 * 1024;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "http_bench: %s\n", why.c_str());
  std::exit(1);
}

int connected(int file, const void* address, size_t size, const std::string& name) {
  if (file < 0 || ::connect(file, static_cast<const sockaddr*>(address), static_cast<socklen_t>(size)) != 0) {
    fail("cannot connect to " + name + ": " + std::strerror(errno));
  }
  return file;
}

int connect_to(const std::string& name) {
  if (name.rfind("unix:", 0) == 0) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1, 5);
    return connected(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), &address, sizeof address, name);
  }
  const size_t colon = name.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(name.substr(colon + 1))));
  if (::inet_pton(AF_INET, name.substr(4, colon - 4).c_str(), &address.sin_addr) != 1) fail("no address: " + name);
  const int file = connected(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), &address, sizeof address, name);
  const int yes = 1;
  ::setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return file;
}

struct Request {
  std::string method;
  std::string path;
  std::string body;

  std::string text() const {
    std::string out = method + ' ' + path + " HTTP/1.1\r\nHost: localhost\r\n";
    if (!body.empty())
      out += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    return out + "\r\n" + body;
  }
};

/// A connection that is kept.
class Connection {
 public:
  explicit Connection(const std::string& address) : file_(connect_to(address)) {}
  Connection(Connection&& other) noexcept : file_(std::exchange(other.file_, -1)), read_(std::move(other.read_)) {}
  ~Connection() {
    if (file_ >= 0) ::close(file_);
  }
  int file() const { return file_; }
  /// What was read and belongs to no answer yet.
  std::string& read() { return read_; }

  void send(const std::string& text) {
    for (size_t sent = 0; sent < text.size();) {
      const ssize_t count = ::send(file_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) fail("the connection broke while sending");
      sent += static_cast<size_t>(count);
    }
  }
  void fill() {
    pollfd poll_file{file_, POLLIN, 0};
    if (::poll(&poll_file, 1, kPatienceMs) != 1) fail("nothing came for 30 s");
    const size_t before = read_.size();
    read_.resize(before + kReadBytes);
    const ssize_t count = ::recv(file_, read_.data() + before, kReadBytes, 0);
    if (count <= 0) fail("the server closed the connection");
    read_.resize(before + static_cast<size_t>(count));
  }
  /// Up to the end of the answer's head; fails unless it is a 2xx.
  std::string head() {
    size_t end = 0;
    while ((end = read_.find(kEndOfHead)) == std::string::npos) fill();
    std::string head = read_.substr(0, end + kEndOfHead.size());
    read_.erase(0, head.size());
    if (head.compare(9, 1, "2") != 0) fail("the answer is " + head);
    for (char& c : head) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c;
    return head;
  }
  void call(const std::string& request) {
    send(request);
    const std::string top = head();
    const size_t length = top.find("content-length: ");
    length != std::string::npos ? skip(std::stoul(top.substr(length + 16))) : skip_chunks();
  }

 private:
  void skip(size_t size) {
    while (read_.size() < size) fill();
    read_.erase(0, size);
  }
  void skip_chunks() {
    while (true) {
      size_t end = 0;
      while ((end = read_.find("\r\n")) == std::string::npos) fill();
      size_t size = 0;
      if (std::from_chars(read_.data(), read_.data() + end, size, 16).ptr == read_.data()) fail("no chunk: " + read_);
      skip(end + 2 + size + 2);
      if (size == 0) return;
    }
  }

  int file_;
  std::string read_;
};

double micros_since(Time::time_point begun) {
  return std::chrono::duration<double, std::micro>(Time::now() - begun).count();
}

double quantile(std::vector<double>& sorted, double share) {
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(static_cast<double>(sorted.size()) * share))];
}

int requests(const std::string& address, size_t connections, double seconds, const Request& request) {
  std::vector<std::vector<double>> took(connections);
  std::vector<std::thread> threads;
  const std::string text = request.text();
  const auto begun = Time::now();
  for (auto& mine : took) {
    threads.emplace_back([&] {
      Connection connection(address);
      while (micros_since(begun) < seconds * 1e6) {
        const auto sent = Time::now();
        connection.call(text);
        mine.push_back(micros_since(sent));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const double all_seconds = micros_since(begun) / 1e6;
  std::vector<double> all;
  for (const auto& mine : took) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  std::printf("{\"requests\": %zu, \"per_s\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", all.size(),
              static_cast<double>(all.size()) / all_seconds, quantile(all, 0.5), quantile(all, 0.99));
  return 0;
}

/// Reads until every watcher has seen the mark.
void await_mark(std::vector<Connection>& watchers, const std::string& mark) {
  std::vector<pollfd> files;
  std::vector<size_t> who;
  for (size_t i = 0; i < watchers.size(); ++i) {
    if (watchers[i].read().find(mark) != std::string::npos) continue;
    files.push_back({watchers[i].file(), POLLIN, 0});
    who.push_back(i);
  }
  while (!files.empty()) {
    if (::poll(files.data(), files.size(), kPatienceMs) < 1) fail("nothing came for 30 s");
    for (size_t i = files.size(); i-- > 0;) {
      if (files[i].revents == 0) continue;
      Connection& watcher = watchers[who[i]];
      watcher.fill();
      if (watcher.read().find(mark) == std::string::npos) continue;
      files[i] = files.back(), files.pop_back();
      who[i] = who.back(), who.pop_back();
    }
  }
  for (auto& watcher : watchers) watcher.read().erase(0, watcher.read().find(mark) + mark.size());
}

int fanout(const std::string& address, size_t count, const Request& watch) {
  std::vector<Connection> watchers;
  for (size_t i = 0; i < count; ++i) {
    watchers.emplace_back(address);
    watchers.back().send(watch.text());
    watchers.back().head();
  }
  Connection writer(address);
  std::vector<double> took;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string mark;
    Request write;
    std::getline(words, mark, '\t');
    std::getline(words, write.method, '\t');
    std::getline(words, write.path, '\t');
    std::getline(words, write.body);
    const auto begun = Time::now();
    writer.call(write.text());
    await_mark(watchers, mark);
    took.push_back(micros_since(begun) / 1e3);
  }
  if (took.empty()) fail("no writes on standard input");
  std::sort(took.begin(), took.end());
  std::printf("{\"watchers\": %zu, \"writes\": %zu, \"p50_ms\": %.2f, \"p99_ms\": %.2f}\n", count, took.size(),
              quantile(took, 0.5), quantile(took, 0.99));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  const auto word = [&](size_t i) { return i < words.size() ? words[i] : std::string(); };
  if (words.size() >= 6 && words[0] == "requests") {
    return requests(words[1], std::stoul(words[2]), std::stod(words[3]), {words[4], words[5], word(6)});
  }
  if (words.size() >= 5 && words[0] == "fanout") {
    return fanout(words[1], std::stoul(words[2]), {words[3], words[4], word(5)});
  }
  fail("usage: see the head of http_bench.cc");
}
