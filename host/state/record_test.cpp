#include "host/state/record.h"

#include <catch2/catch.hpp>

using namespace novacron::host::state;

namespace {

constexpr uint32_t kSalt = 0x5eed;
using Payloads = std::vector<std::string>;

Record record_of(std::string_view payload) {
  Record record;
  record.at = {.serial = 7, .index = 5, .term = 2, .checksum = 0};
  record.previous_checksum = 0xabcd;
  record.durable = 4;
  record.first = 11;
  record.second = 12;
  record.payload = payload;
  return record;
}

}  // namespace

TEST_CASE("a record is read as it was written") {
  for (const std::string& payload :
       {std::string(), std::string("x"), std::string(1'000, '\0'), std::string("12345678")}) {
    std::string bytes;
    const uint32_t checksum = encode_record(record_of(payload), kSalt, bytes);
    REQUIRE(bytes.size() == record_bytes(payload.size()));
    REQUIRE(bytes.size() % 8 == 0);
    bytes += "what follows";
    const auto record = decode_record(bytes, kSalt);
    REQUIRE(record);
    CHECK(record->at == Position{.serial = 7, .index = 5, .term = 2, .checksum = checksum});
    CHECK(record->previous_checksum == 0xabcd);
    CHECK(record->durable == 4);
    CHECK(record->first == 11);
    CHECK(record->second == 12);
    CHECK(record->payload == payload);
  }
}

TEST_CASE("a record that is cut, altered, or of another log is none") {
  std::string bytes;
  encode_record(record_of("payload."), kSalt, bytes);
  for (size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(decode_record(bytes.substr(0, size), kSalt));
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(decode_record(flipped, kSalt));
  }
  CHECK_FALSE(decode_record(bytes, kSalt + 1));
}

TEST_CASE("a segment's header is read as it was written, and any altered bit is seen") {
  const SegmentHeader header{{.serial = 9, .index = 8, .term = 3, .checksum = 77}, kSalt};
  const std::string bytes = encode_segment_header(header);
  REQUIRE(bytes.size() == kSegmentHeaderBytes);
  REQUIRE(decode_segment_header(bytes));
  CHECK(decode_segment_header(bytes)->before == header.before);
  CHECK(decode_segment_header(bytes)->salt == kSalt);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(decode_segment_header(flipped));
  }
}

TEST_CASE("a value that holds the bytes of a record is not taken for one") {
  // Somebody who knows the format stores a "record" that claims everything before it was durable.
  std::string forged;
  Record claim = record_of("");
  claim.at.serial = 1'000;
  claim.durable = 999;
  encode_record(claim, 0, forged);
  const SegmentHeader header{{}, kSalt};
  std::string segment = encode_segment_header(header);
  Record entry;
  entry.at = {.serial = 1, .index = 1, .term = 1, .checksum = 0};
  entry.payload = forged;
  encode_record(entry, kSalt, segment);
  segment[kSegmentHeaderBytes] = static_cast<char>(segment[kSegmentHeaderBytes] ^ 1);  // torn: never synced
  const auto scan = scan_segment(segment, header, {});
  REQUIRE(scan.ok());
  CHECK_FALSE(scan->damaged);
  CHECK(scan->end == kSegmentHeaderBytes);
}

TEST_CASE("a record that follows another one than it was written behind is no part of the log") {
  const SegmentHeader header{{}, kSalt};
  const auto append = [](std::string& segment, const Position& last, std::string_view payload) {
    Record record;
    record.at = {.serial = last.serial + 1, .index = last.index + 1, .term = 1, .checksum = 0};
    record.previous_checksum = last.checksum;
    record.payload = payload;
    record.at.checksum = encode_record(record, kSalt, segment);
    return record.at;
  };
  // A batch of two was cut off by a crash; another first record of the same length took the place of the first.
  std::string cut = encode_segment_header(header);
  append(cut, append(cut, {}, "first of the old"), "second of the old");
  std::string segment = encode_segment_header(header);
  append(segment, {}, "first of the new");
  segment += cut.substr(segment.size());
  Payloads payloads;
  const auto scan = scan_segment(segment, header, [&](const Record& record) -> novacron::host::Status {
    payloads.emplace_back(record.payload);
    return {};
  });
  REQUIRE(scan.ok());
  CHECK(payloads == Payloads{"first of the new"});
  CHECK_FALSE(scan->damaged);
}
