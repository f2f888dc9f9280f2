#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "host/api/testing/test_application.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace asio = boost::asio;

namespace {

struct TlsFixture {
  explicit TlsFixture(const Limits& limits = {}) {
    Server::Options options;
    options.limits = limits;
    options.listen = {"127.0.0.1:0"};
    options.tls = files;
    server = Server::create(options, application, pool).value();
    server->start();
    const auto& address = server->addresses().at(0);
    port = static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }

  /// One request over TLS; the error of the handshake, or "" and the answer.
  std::string get(asio::ssl::context& context, const char* host, std::string* answer) {
    asio::io_context io;
    asio::ssl::stream<asio::ip::tcp::socket> stream(io, context);
    stream.next_layer().connect({asio::ip::make_address("127.0.0.1"), port});
    stream.set_verify_callback(asio::ssl::host_name_verification(host));
    boost::system::error_code failure;
    stream.handshake(asio::ssl::stream_base::client, failure);
    if (failure) return failure.message();
    const std::string request = "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";
    asio::write(stream, asio::buffer(request), failure);
    char bytes[4'096];
    while (!failure) answer->append(bytes, stream.read_some(asio::buffer(bytes), failure));
    return failure == asio::error::eof ? "" : failure.message();
  }

  TestFolder folder;
  auth::TlsFiles files = auth::ensure_certificates({folder.path + "/tls"}).value();
  WorkerPool pool{{}};
  TestApplication application;
  std::unique_ptr<Server> server;
  uint16_t port = 0;
};

struct ImpatientTlsFixture : TlsFixture {
  ImpatientTlsFixture() : TlsFixture({.handshake_ms = 50}) {}
};

}  // namespace

TEST_CASE_METHOD(ImpatientTlsFixture, "A client that does not shake hands is closed") {
  asio::io_context io;
  asio::ip::tcp::socket silent(io);
  silent.connect({asio::ip::make_address("127.0.0.1"), port});
  char byte = 0;
  boost::system::error_code failure;
  CHECK(silent.read_some(asio::buffer(&byte, 1), failure) == 0);
  CHECK(failure == asio::error::eof);
}

TEST_CASE_METHOD(TlsFixture, "TLS verifies against the CA, and ends with a proper goodbye") {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_verify_mode(asio::ssl::verify_peer);
  context.load_verify_file(files.ca);
  std::string answer;
  CHECK(get(context, "localhost", &answer) == "");
  CHECK(answer.starts_with("HTTP/1.1 200"));
  CHECK(answer.ends_with("hi"));
  CHECK(answer.find("Strict-Transport-Security") != std::string::npos);
}

TEST_CASE_METHOD(TlsFixture, "TLS does not verify for another name or without the CA") {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_verify_mode(asio::ssl::verify_peer);
  std::string answer;
  CHECK(get(context, "localhost", &answer) != "");
  context.load_verify_file(files.ca);
  CHECK(get(context, "other.example.org", &answer) != "");
}

TEST_CASE_METHOD(TlsFixture, "TLS before 1.2 is refused") {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_verify_mode(asio::ssl::verify_none);
  SSL_CTX_set_security_level(context.native_handle(), 0);
  SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_1_VERSION);
  std::string answer;
  CHECK(get(context, "localhost", &answer) != "");
  CHECK(answer.empty());
}

TEST_CASE_METHOD(TlsFixture,
                 "A new certificate is that of the next connection, and one that does not fit changes nothing") {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.load_verify_file(files.ca);
  context.set_verify_mode(asio::ssl::verify_peer);
  std::string answer;
  CHECK_FALSE(get(context, "cloud.example.org", &answer).empty());
  CHECK(server->use_certificate({files.ca, folder.path + "/none", files.key}).error().reason == "api.tls");
  CHECK(get(context, "localhost", &answer).empty());
  const auto renewed = auth::ensure_certificates({folder.path + "/tls", {"cloud.example.org"}}).value();
  REQUIRE(server->use_certificate(renewed).ok());
  CHECK(get(context, "cloud.example.org", &answer).empty());
}
