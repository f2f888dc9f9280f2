#include "host/cluster/frames.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::cluster;

namespace {

std::string framed(std::string_view bytes) {
  std::string out;
  encode_frame(bytes, out);
  return out;
}

}  // namespace

TEST_CASE("a frame that is too large or damaged ends the link") {
  FrameReader large;
  large.feed(std::string("\x01\x00\x80\x00\x00\x00\x00\x00", 8));
  CHECK(large.next().error().reason == "link.frame-too-large");
  std::string bytes = framed("payload");
  for (size_t bit = 32; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    FrameReader reader;
    reader.feed(flipped);
    REQUIRE(reader.next().error().reason == "link.checksum");
  }
}

TEST_CASE("frames come out as they went in, wherever they are cut") {
  const std::string bytes = framed("one") + framed("") + framed(std::string(1'000, 'x'));
  for (size_t step = 1; step <= bytes.size(); ++step) {
    FrameReader reader;
    std::vector<std::string> frames;
    for (size_t at = 0; at < bytes.size(); at += step) {
      reader.feed(std::string_view(bytes).substr(at, step));
      for (auto frame = *reader.next(); frame; frame = *reader.next()) frames.push_back(*frame);
    }
    REQUIRE(frames == std::vector<std::string>{"one", "", std::string(1'000, 'x')});
  }
}

TEST_CASE("who does not greet as a node of this version is told why") {
  const std::string good = encode_greeting({raft::Lane::kBulk, 1, 2, "prod"});
  for (size_t size = 0; size < 24; ++size)
    CHECK(decode_greeting(std::string_view(good).substr(0, size)).error().reason == "link.greeting");
  std::string other = good;
  other[6] = 2;
  CHECK(decode_greeting(other).error().reason == "link.version");
  other = good;
  other[7] = 9;
  CHECK(decode_greeting(other).error().reason == "link.greeting");
  CHECK(decode_greeting(encode_greeting({raft::Lane::kBulk, 0, 2, ""})).error().reason == "link.greeting");
  CHECK(decode_greeting(good + std::string(60, 'x')).error().reason == "link.greeting");
  const auto greeting = *decode_greeting(good);
  CHECK(greeting.lane == raft::Lane::kBulk);
  CHECK(greeting.from == 1);
  CHECK(greeting.to == 2);
  CHECK(greeting.cluster == "prod");
}
