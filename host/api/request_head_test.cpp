// Heads with more than one reading, and bodies with more than one end: each is refused and its connection closed, so
// that what follows is never taken for a request.
#include "host/api/request_head.h"

#include <catch2/catch.hpp>

#include "host/api/testing/test_application.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

struct Case {
  const char* what;
  std::string text;
};

std::string post(const std::string& headers, const std::string& body = "") {
  return "POST /echo HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" + body;
}

const std::string kChunked = "Transfer-Encoding: chunked\r\n";

const std::vector<Case> kAmbiguousHeads = {
    {"Content-Length and Transfer-Encoding", post("Content-Length: 5\r\n" + kChunked, "0\r\n\r\n")},
    {"Transfer-Encoding and Content-Length", post(kChunked + "Content-Length: 5\r\n", "0\r\n\r\n")},
    {"two lengths that differ", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd")},
    {"two lengths that agree", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")},
    {"a list of lengths", post("Content-Length: 3, 3\r\n", "abc")},
    {"a length with a sign", post("Content-Length: +3\r\n", "abc")},
    {"a negative length", post("Content-Length: -3\r\n", "abc")},
    {"a length in hex", post("Content-Length: 0x3\r\n", "abc")},
    {"an empty length", post("Content-Length:\r\n")},
    {"a length beyond 64 bits", post("Content-Length: 18446744073709551619\r\n", "abc")},
    {"a length with a space in it", post("Content-Length: 1 1\r\n", "abc")},
    {"two transfer encodings", post(kChunked + kChunked, "0\r\n\r\n")},
    {"an encoding before chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")},
    {"an encoding after chunked", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")},
    {"an encoding that is not chunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")},
    {"the encoding identity", post("Transfer-Encoding: identity\r\n", "0\r\n\r\n")},
    {"an empty encoding", post("Transfer-Encoding:\r\n", "0\r\n\r\n")},
    {"chunked with a vertical tab", post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n")},
    {"a quoted encoding", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")},
    {"chunked in HTTP/1.0", "POST /echo HTTP/1.0\r\nHost: a\r\n" + kChunked + "\r\n0\r\n\r\n"},
    {"a space before the colon", post("Content-Length : 3\r\n", "abc")},
    {"a tab before the colon", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n")},
    {"a folded value", post("X-A: b\r\n c\r\n")},
    {"a folded value, by a tab", post("X-A: b\r\n\tContent-Length: 3\r\n")},
    {"a folded encoding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")},
    {"a folded first header", "GET /echo HTTP/1.1\r\n Host: a\r\n\r\n"},
    {"a header without a colon", post("Content-Length 3\r\n", "abc")},
    {"a header without a name", post(": 3\r\n")},
    {"a zero byte in a name", post(std::string("X\0A: 1\r\n", 8))},
    {"a zero byte in a value", post(std::string("X: \0A\r\n", 7))},
    {"a bare carriage return in a value", post("X: a\rContent-Length: 3\r\n", "abc")},
    {"a bare line feed after a header", "POST /echo HTTP/1.1\r\nHost: a\nContent-Length: 3\r\n\r\nabc"},
    {"bare line feeds everywhere", "GET /echo HTTP/1.1\nHost: a\n\n"},
    {"a bare line feed as the empty line", "GET /echo HTTP/1.1\r\nHost: a\r\n\n"},
    {"two hosts", "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
    {"no host", "GET /echo HTTP/1.1\r\nAccept: */*\r\n\r\n"},
    {"a host with a path", "GET /echo HTTP/1.1\r\nHost: a/b\r\n\r\n"},
    {"a list of hosts", "GET /echo HTTP/1.1\r\nHost: a, b\r\n\r\n"},
    {"a host with a user", "GET /echo HTTP/1.1\r\nHost: a@b\r\n\r\n"},
    {"two spaces in the first line", "GET  /echo HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a tab in the first line", "GET\t/echo HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a space in the target", "GET /echo ?a HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"an empty line first", "\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"no version", "GET /echo\r\nHost: a\r\n\r\n"},
    {"HTTP/2's version", "GET /echo HTTP/2.0\r\nHost: a\r\n\r\n"},
    {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"a version in lower case", "GET /echo http/1.1\r\nHost: a\r\n\r\n"},
    {"a space before the name", " GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"}};

const std::vector<Case> kBrokenChunks = {
    {"a chunk extension", post(kChunked, "3;a=b\r\nabc\r\n0\r\n\r\n")},
    {"a chunk extension without a value", post(kChunked, "3;a\r\nabc\r\n0\r\n\r\n")},
    {"an extension of the last chunk", post(kChunked, "3\r\nabc\r\n0;a=b\r\n\r\n")},
    {"an extension with a line feed", post(kChunked, "3;a\nabc\r\n0\r\n\r\n")},
    {"a bare line feed after a chunk's size", post(kChunked, "3\nabc\r\n0\r\n\r\n")},
    {"a bare line feed after a chunk", post(kChunked, "3\r\nabc\n0\r\n\r\n")},
    {"nothing after a chunk", post(kChunked, "3\r\nabc0\r\n\r\n")},
    {"more than a chunk's size", post(kChunked, "3\r\nabcd\r\n0\r\n\r\n")},
    {"a chunk's size with 0x", post(kChunked, "0x3\r\nabc\r\n0\r\n\r\n")},
    {"a chunk's size with a sign", post(kChunked, "+3\r\nabc\r\n0\r\n\r\n")},
    {"a negative chunk's size", post(kChunked, "-3\r\nabc\r\n0\r\n\r\n")},
    {"a space before a chunk's size", post(kChunked, " 3\r\nabc\r\n0\r\n\r\n")},
    {"a chunk's size beyond 64 bits", post(kChunked, "10000000000000003\r\nabc\r\n0\r\n\r\n")},
    {"a chunk without a size", post(kChunked, "\r\nabc\r\n0\r\n\r\n")},
    {"an extension without an end", post(kChunked, "3;" + std::string(300'000, 'a'))},
    {"trailers without an end", post(kChunked, "0\r\nX: " + std::string(300'000, 'a'))},
    {"a length in the trailers", post(kChunked, "0\r\nContent-Length: 3\r\n\r\n")},
    {"a bare line feed in the trailers", post(kChunked, "0\r\nX: a\n\r\n")}};

size_t count_of(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

/// Everything that the server says to the text and to a request right behind it.
std::string answers_to(const std::string& path, const std::string& text) {
  TestClient client(path);
  client.send(text + "GET /echo HTTP/1.1\r\nHost: smuggled\r\n\r\n");
  return client.read_until("the end of the connection");
}

}  // namespace

TEST_CASE_METHOD(ServerFixture, "A head or a body with two readings is refused, and what follows it is not read") {
  start({.body_ms = 2'000});
  for (const auto* cases : {&kAmbiguousHeads, &kBrokenChunks}) {
    for (const auto& [what, text] : *cases) {
      INFO(what);
      const auto said = answers_to(path, text);
      CHECK_THAT(said, Catch::StartsWith("HTTP/1.1 400 "));
      CHECK_THAT(said, Catch::Contains("Connection: close\r\n") && Catch::Contains("http.malformed"));
      CHECK(count_of(said, "X-Request-Id: ") == 1);
    }
  }
}

TEST_CASE_METHOD(ServerFixture, "Unusual but clear requests are served") {
  const Case cases[] = {
      {"a length with spaces around it", post("Content-Length: \t3 \r\n", "abc")},
      {"names in any case", post("content-LENGTH:3\r\n", "abc")},
      {"chunked in any case", post("Transfer-Encoding: Chunked\r\n", "3\r\nabc\r\n0\r\n\r\n")},
      {"a chunk's size with zeros before it", post(kChunked, "0003\r\nabc\r\n0\r\n\r\n")},
      {"trailers", post(kChunked, "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")},
      {"HTTP/1.0", "POST /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"},
      {"a host with a port", "POST /echo HTTP/1.1\r\nHost: [::1]:8443\r\nContent-Length: 3\r\n\r\nabc"},
      {"an empty host", "POST /echo HTTP/1.1\r\nHost:\r\nContent-Length: 3\r\n\r\nabc"},
  };
  for (const auto& [what, text] : cases) {
    INFO(what);
    TestClient client(path);
    client.send(text);
    const auto answer = client.read_answer();
    CHECK(answer.status == 200);
    CHECK(answer.body == "abc");
  }
}

TEST_CASE_METHOD(ServerFixture, "A head is served in whatever pieces it comes") {
  TestClient client(path);
  for (const char c : post("Content-Length: 2\r\n", "ok")) client.send({&c, 1});
  CHECK(client.read_answer().body == "ok");
}

TEST_CASE("The end of a head is found wherever the pieces break") {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (size_t cut = 0; cut <= head.size(); ++cut) {
    HeadScan scan(1'000);
    const auto first = scan.scan(std::string_view(head).substr(0, cut));
    REQUIRE(first.ok());
    CHECK(*first == (cut == head.size() ? head.size() : 0));
    CHECK(scan.scan(head + "rest").value() == head.size());
  }
}

TEST_CASE("A head of the largest size is let through, one byte more is not") {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  CHECK(HeadScan(head.size()).scan(head).value() == head.size());
  CHECK(HeadScan(head.size() - 1).scan(head).error().reason == "http.headers-too-large");
}

TEST_CASE("Each ambiguous head is refused by itself") {
  for (const auto& [what, text] : kAmbiguousHeads) {
    INFO(what);
    HeadScan scan(10'000);
    const auto size = scan.scan(text);
    const Status checked = size.ok() ? check_head(std::string_view(text).substr(0, *size)) : Status(size.error());
    REQUIRE_FALSE(checked.ok());
    CHECK(checked.error().reason == "http.malformed");
  }
}
