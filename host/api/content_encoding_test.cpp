#include "host/api/content_encoding.h"

#include <zlib.h>
#include <zstd.h>

#include <catch2/catch.hpp>

#include "host/api/call.h"
#include "host/api/testing/test_application.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

const std::string kText(5'000, 'x');

Request asking_for(const std::string& accept_encoding) {
  Request request;
  request.headers.set("Accept-Encoding", accept_encoding);
  return request;
}

Response of_size(size_t size) {
  auto response = json_response(200, std::string(size, 'x'));
  response.headers.set("ETag", "\"a-1\"");
  return response;
}

const std::string& text_of(const Response& response) {
  return std::get<std::string>(response.body);
}

std::string gunzip(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string out(16 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

std::string unzstd(const std::string& bytes) {
  std::string out(16 << 20, '\0');
  const size_t size = ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size());
  REQUIRE(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

}  // namespace

TEST_CASE("The coding is the one with the highest weight, and none that was not asked for") {
  CHECK(choose_coding("") == ContentCoding::kIdentity);
  CHECK(choose_coding("br, deflate") == ContentCoding::kIdentity);
  CHECK(choose_coding("gzip") == ContentCoding::kGzip);
  CHECK(choose_coding("GZIP;q=0.5") == ContentCoding::kGzip);
  CHECK(choose_coding("gzip, deflate, br, zstd") == ContentCoding::kZstd);
  CHECK(choose_coding("zstd;q=0.4 , gzip;q=0.5") == ContentCoding::kGzip);
  CHECK(choose_coding("zstd;q=0, *") == ContentCoding::kGzip);
  CHECK(choose_coding("*") == ContentCoding::kZstd);
  CHECK(choose_coding("*;q=0") == ContentCoding::kIdentity);
  CHECK(choose_coding("gzip;q=0.5, identity") == ContentCoding::kIdentity);
  CHECK(choose_coding("gzip;q=0.5, identity;q=0.2") == ContentCoding::kGzip);
  CHECK(choose_coding("gzip;q=0") == ContentCoding::kIdentity);
  CHECK(choose_coding("gzip;q=much, zstd;q=0.0x") == ContentCoding::kIdentity);
  CHECK(choose_coding(",,;;=,gzip;q=0.001") == ContentCoding::kGzip);
}

TEST_CASE("A text comes in the coding that was asked for, with a weak tag, and is the same again") {
  const auto zipped = encoded(asking_for("gzip"), of_size(kText.size()));
  CHECK(zipped.headers.get("Content-Encoding") == "gzip");
  CHECK(zipped.headers.get("Vary") == "Accept-Encoding");
  CHECK(zipped.headers.get("ETag") == "W/\"a-1\"");
  CHECK(gunzip(text_of(zipped)) == kText);
  const auto smaller = encoded(asking_for("zstd"), of_size(kText.size()));
  CHECK(smaller.headers.get("Content-Encoding") == "zstd");
  CHECK(unzstd(text_of(smaller)) == kText);
  Request next;
  next.headers.set("If-None-Match", std::string(zipped.headers.get("ETag")));
  CHECK(none_match_hits(next, "a-1"));
}

TEST_CASE("What nobody asked for, what is small or huge, and what is no text stays as it is") {
  const auto plain = encoded({}, of_size(kText.size()));
  CHECK(plain.headers.get("Content-Encoding").empty());
  CHECK(plain.headers.get("Vary") == "Accept-Encoding");
  CHECK(plain.headers.get("ETag") == "\"a-1\"");
  const auto all = asking_for("gzip, zstd");
  CHECK(text_of(encoded(all, of_size(kMinEncodedBytes - 1))).size() == kMinEncodedBytes - 1);
  CHECK(text_of(encoded(all, of_size(kMinEncodedBytes))).size() < kMinEncodedBytes);
  CHECK(text_of(encoded(all, of_size(kMaxEncodedBytes + 1))).size() == kMaxEncodedBytes + 1);
  auto bytes = of_size(kText.size());
  bytes.headers.set("Content-Type", "application/x-protobuf");
  CHECK(encoded(all, std::move(bytes)).headers.get("Content-Encoding").empty());
  auto done = of_size(kText.size());
  done.headers.set("Content-Encoding", "br");
  CHECK(text_of(encoded(all, std::move(done))) == kText);
}

TEST_CASE_METHOD(ServerFixture, "A server's answers are encoded on request, also their length for HEAD") {
  TestClient client(path);
  const auto zipped = client.call("GET", "/big", "", "Accept-Encoding: gzip\r\n");
  CHECK(zipped.header("Content-Encoding") == "gzip");
  CHECK(gunzip(zipped.body) == std::string(8 << 20, 'x'));
  const auto head = client.call("HEAD", "/big", "", "Accept-Encoding: gzip\r\n");
  CHECK(head.header("Content-Length") == std::to_string(zipped.body.size()));
  CHECK(client.call("POST", "/echo", kText).body == kText);
}

TEST_CASE_METHOD(ServerFixture, "A feed is not encoded") {
  TestClient client(path);
  application.tap->put(R"({"n":1})");
  client.send("GET /feed HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, zstd\r\n\r\n");
  CHECK(client.read_until("{\"n\":1}").find("Content-Encoding") == std::string::npos);
}
