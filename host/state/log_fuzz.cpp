// The log's reader on hostile bytes: a segment, and the commands in its records.
#include <cstdlib>

#include "host/state/command.h"
#include "host/state/record.h"

using namespace novacron::host;
using namespace novacron::host::state;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// What was decoded is encoded and decoded again to the same bytes.
void check_command(std::string_view payload) {
  const auto command = decode_command(payload);
  if (!command.ok()) return;
  if (const auto* txn = std::get_if<Txn>(&command->what)) (void)check_txn(*txn);
  const std::string encoded = encode_command(*command);
  const auto again = decode_command(encoded);
  require(again.ok() && encode_command(*again) == encoded);
}

void check_segment(std::string_view bytes, const SegmentHeader& header) {
  size_t end = kSegmentHeaderBytes;
  const auto scan = scan_segment(bytes, header, [&](const Record& record) -> Status {
    std::string encoded;
    require(encode_record(record, header.salt, encoded) == record.at.checksum);
    require(encoded.size() == record_bytes(record.payload.size()));
    end += encoded.size();
    check_command(record.payload);
    return {};
  });
  require(scan.ok() && scan->end == end && (end == kSegmentHeaderBytes || end <= bytes.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_command(bytes);
  if (const auto header = decode_segment_header(bytes)) check_segment(bytes, *header);
  // Inputs whose checksum the fuzzer cannot guess: the bytes as the content of a good segment, and of a good record.
  const SegmentHeader header{{}, 7};
  std::string segment = encode_segment_header(header);
  segment.append(bytes);
  check_segment(segment, header);
  Record record;
  record.at = {.serial = 1, .index = 1, .term = 1, .checksum = 0};
  record.payload = bytes.substr(0, kMaxPayloadBytes);
  segment.resize(kSegmentHeaderBytes);
  encode_record(record, header.salt, segment);
  check_segment(segment, header);
  return 0;
}
