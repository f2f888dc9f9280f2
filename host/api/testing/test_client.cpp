#include "host/api/testing/test_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "host/api/http.h"

namespace novacron::host::api {
namespace {

constexpr int kPatienceMs = 10'000;

}  // namespace

TestFolder::TestFolder() {
  char name[] = "/tmp/nc-api-XXXXXX";
  path = ::mkdtemp(name);
}

std::string Answer::header(std::string_view name) const {
  for (const auto& header : headers) {
    if (equal_without_case(header.first, name)) return header.second;
  }
  return "";
}

TestClient::TestClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

void TestClient::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0) return;  // the server has closed; what it said is still to be read
    text.remove_prefix(static_cast<size_t>(sent));
  }
}

Answer TestClient::call(std::string_view method, std::string_view target, std::string_view body,
                        std::string_view headers) {
  std::string request = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n";
  request += headers;
  if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  send(request + "\r\n" + std::string(body));
  return read_answer(method != "HEAD");
}

bool TestClient::fill() {
  pollfd state{fd_.get(), POLLIN, 0};
  if (::poll(&state, 1, kPatienceMs) != 1) return false;
  char bytes[16 * 1024];
  const ssize_t got = ::recv(fd_.get(), bytes, sizeof bytes, 0);
  if (got <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(got));
  return true;
}

std::string TestClient::read_until(std::string_view end) {
  size_t at = std::string::npos;
  while ((at = buffer_.find(end)) == std::string::npos && fill()) {
  }
  const size_t size = at == std::string::npos ? buffer_.size() : at + end.size();
  std::string text = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return text;
}

Answer TestClient::read_answer(bool has_body) {
  Answer answer;
  std::string head = read_until("\r\n\r\n");
  if (head.size() < 12) return answer;
  answer.status = std::atoi(head.c_str() + 9);
  for (size_t at = head.find("\r\n") + 2; at + 2 < head.size();) {
    const size_t end = head.find("\r\n", at);
    const size_t colon = head.find(": ", at);
    if (colon < end) answer.headers.emplace_back(head.substr(at, colon - at), head.substr(colon + 2, end - colon - 2));
    at = end + 2;
  }
  const size_t length = std::strtoul(answer.header("Content-Length").c_str(), nullptr, 10);
  if (!has_body || answer.status == 304) return answer;
  while (buffer_.size() < length && fill()) {
  }
  answer.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return answer;
}

bool TestClient::is_closed() {
  while (true) {
    pollfd state{fd_.get(), POLLIN, 0};
    if (::poll(&state, 1, kPatienceMs) != 1) return false;
    char bytes[4'096];
    if (::recv(fd_.get(), bytes, sizeof bytes, 0) <= 0) return true;
  }
}

}  // namespace novacron::host::api
