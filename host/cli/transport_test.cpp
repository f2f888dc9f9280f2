#include "host/cli/transport.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "host/auth/certificates.h"
#include "host/base/file.h"
#include "host/cli/testing.h"

using namespace novacron::host;
using namespace novacron::host::cli;
using namespace novacron::host::cli::testing;

namespace {

std::unique_ptr<Transport> transport_to(const FakeHost& host, const std::string& ca = "") {
  return make_transport(*parse_endpoint(host.url()), {ca});
}

FakeResponse echo(const FakeRequest& request) {
  return {.body = request.method + " " + request.target + " " + request.body};
}

struct Tls {
  Folder folder;
  auth::TlsFiles files = *auth::ensure_certificates({.folder = folder.path + "/tls"});
  std::string ca = *read_file(files.ca, 1 << 20);
};

}  // namespace

TEST_CASE("requests go over a Unix socket, one after the other") {
  FakeHost host(echo);
  const auto transport = transport_to(host);
  CHECK(transport->send({.target = "/a"})->body == "GET /a ");
  CHECK(transport->send({.method = "POST", .target = "/b", .body = "hi"})->body == "POST /b hi");
}

TEST_CASE("requests go over TLS when the certificate is of the authority that was given") {
  Tls tls;
  FakeHost host(echo, tls.files.certificate, tls.files.key);
  CHECK(transport_to(host, tls.ca)->send({.target = "/a"})->body == "GET /a ");
}

TEST_CASE("a certificate of an unknown authority is refused before anything is sent") {
  Tls tls;
  Tls other;
  FakeHost host(echo, tls.files.certificate, tls.files.key);
  for (const std::string& ca : {std::string(), other.ca}) {
    const auto response = transport_to(host, ca)->send({.target = "/secret"});
    REQUIRE_FALSE(response.ok());
    CHECK(response.code() == Code::kUnavailable);
    CHECK(response.error().reason == kCertificateReason);
  }
  CHECK(host.requests().empty());
}

TEST_CASE("a certificate for another name is refused") {
  Tls tls;
  FakeHost host(echo, tls.files.certificate, tls.files.key);
  Endpoint endpoint = *parse_endpoint(host.url());
  endpoint.host = "127.0.0.2";
  const auto response = make_transport(endpoint, {tls.ca})->send({.target = "/"});
  REQUIRE_FALSE(response.ok());
}

TEST_CASE("a host that is not there is unreachable") {
  Folder folder;
  const auto transport = make_transport(*parse_endpoint("unix://" + folder.path + "/none"), {});
  const auto response = transport->send({.target = "/"});
  REQUIRE(response.code() == Code::kUnavailable);
  CHECK(response.error().reason == kUnreachableReason);
}

TEST_CASE("a host that does not answer is given up after the deadline") {
  FakeHost host([](const FakeRequest&) { return FakeResponse{.stays_open = true}; });
  const auto response = transport_to(host)->send({.target = "/", .timeout_ms = 50});
  CHECK(response.code() == Code::kDeadlineExceeded);
}

TEST_CASE("a kept connection that the host has closed is opened anew") {
  int count = 0;
  FakeHost host([&count](const FakeRequest&) { return FakeResponse{.body = "x", .drops = ++count == 2}; });
  const auto transport = transport_to(host);
  CHECK(transport->send({.target = "/1"}).ok());
  CHECK(transport->send({.target = "/2"}).ok());
  CHECK(host.lines() == std::vector<std::string>{"GET /1", "GET /2", "GET /2"});
}

TEST_CASE("a file is sent as it is") {
  Folder folder;
  const std::string content(300'000, 'x');
  REQUIRE(write_file(folder.path + "/file", content, 0600).ok());
  FakeHost host(echo);
  const auto response =
      transport_to(host)->send({.method = "POST", .target = "/f", .body_file = folder.path + "/file"});
  REQUIRE(response.ok());
  CHECK(response->body == "POST /f " + content);
  CHECK_FALSE(transport_to(host)->send({.method = "POST", .target = "/f", .body_file = folder.path + "/no"}).ok());
}

TEST_CASE("lines arrive whole however they were cut") {
  FakeHost host([](const FakeRequest&) { return FakeResponse{.chunks = {"on", "e\ntwo\n\nth", "ree"}}; });
  std::vector<std::string> lines;
  const auto response = transport_to(host)->stream_lines({.target = "/"}, [&](std::string_view line) {
    lines.emplace_back(line);
    return Flow::kContinue;
  });
  REQUIRE(response.ok());
  CHECK(lines == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("a stream ends when its reader has enough, and when nothing comes") {
  FakeHost host([](const FakeRequest&) { return FakeResponse{.chunks = {"one\n", "two\n"}, .stays_open = true}; });
  int seen = 0;
  CHECK(transport_to(host)
            ->stream_lines({.target = "/"}, [&](auto) { return ++seen == 1 ? Flow::kStop : Flow::kContinue; })
            .ok());
  CHECK(seen == 1);
  const auto silent =
      transport_to(host)->stream_lines({.target = "/", .timeout_ms = 50}, [](auto) { return Flow::kContinue; });
  CHECK(silent.code() == Code::kDeadlineExceeded);
}

TEST_CASE("the body of a refused stream is in the response") {
  FakeHost host([](const FakeRequest&) { return FakeResponse{.status = 403, .body = "no"}; });
  const auto response = transport_to(host)->stream_lines({.target = "/"}, [](auto) { return Flow::kContinue; });
  REQUIRE(response.ok());
  CHECK(response->status == 403);
  CHECK(response->body == "no");
}

TEST_CASE("a terminal session prints what comes until the host ends it") {
  Tls tls;
  FakeHost host(
      [](const FakeRequest& request) {
        return request.is_websocket ? FakeResponse{.messages = {"hello ", "world"}} : FakeResponse{.status = 400};
      },
      tls.files.certificate, tls.files.key);
  std::string output;
  const auto response = transport_to(host, tls.ca)->terminal({.target = "/t", .on_output = [&](std::string_view text) {
                                                                output += text;
                                                                return Flow::kContinue;
                                                              }});
  REQUIRE(response.ok());
  CHECK(response->status == 101);
  CHECK(output == "hello world");
}

TEST_CASE("a refused terminal session gives the host's answer, a silent one ends in time") {
  bool refuses = true;
  FakeHost host([&](const FakeRequest&) {
    return refuses ? FakeResponse{.status = 404, .body = "no"} : FakeResponse{.messages = {"x"}, .stays_open = true};
  });
  const auto refused = transport_to(host)->terminal({.target = "/t"});
  REQUIRE(refused.ok());
  CHECK(refused->status == 404);
  refuses = false;
  const auto late = transport_to(host)->terminal(
      {.target = "/t", .timeout_ms = 50, .on_output = [](auto) { return Flow::kContinue; }});
  CHECK(late.code() == Code::kDeadlineExceeded);
}

TEST_CASE("what is typed is sent, and the reader can end the session") {
  FakeHost host([](const FakeRequest&) { return FakeResponse{.messages = {"ready"}, .stays_open = true}; });
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  REQUIRE(::write(pipe_ends[1], "abc\x1d", 4) == 4);
  std::string typed;
  const auto response = transport_to(host)->terminal({.target = "/t",
                                                      .input_fd = pipe_ends[0],
                                                      .on_input =
                                                          [&](std::string& input) {
                                                            typed = input;
                                                            return Flow::kStop;
                                                          },
                                                      .on_output = [](auto) { return Flow::kContinue; }});
  CHECK(response.ok());
  CHECK(typed == "abc\x1d");
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}
