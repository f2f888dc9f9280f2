#include "qcow2.h"

#include <algorithm>
#include <string>

namespace novacron::kvm {
namespace {

constexpr std::string_view kMagic("QFI\xfb", 4);
constexpr uint32_t kHeaderBytesVersion2 = 72;
constexpr uint32_t kHeaderBytesVersion3 = 104;
constexpr uint32_t kClusterBitsMin = 9, kClusterBitsMax = 21;
constexpr uint64_t kVirtualSizeMaxBytes = 1ull << 50;
constexpr uint32_t kSnapshotsMax = 65'536;
constexpr uint64_t kL1EntriesMax = (32u << 20) / 8;
constexpr uint32_t kRefcountOrderMax = 6;

// Incompatible features. Compression and extended L2 entries are plain properties of the file itself.
constexpr uint64_t kDirty = 1u << 0, kCorrupt = 1u << 1, kExternalData = 1u << 2, kCompression = 1u << 3,
                   kExtendedL2 = 1u << 4;

enum Extension : uint32_t {
  kEnd = 0,
  kBackingFormat = 0xe2792aca,
  kFeatureNames = 0x6803f857,
  kBitmaps = 0x23852875,
  kEncryption = 0x0537be77,
  kDataFile = 0x44415441,
};

Error refused(const std::string& why) {
  return Error{
      .code = Code::kFailedPrecondition, .message = "the image is refused: " + why, .reason = "compute.image-refused"};
}

uint64_t number_at(std::string_view bytes, size_t offset, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
  return value;
}
uint32_t u32_at(std::string_view bytes, size_t offset) {
  return static_cast<uint32_t>(number_at(bytes, offset, 4));
}
uint64_t u64_at(std::string_view bytes, size_t offset) {
  return number_at(bytes, offset, 8);
}

/// Bytes of the fixed header; 0 when it does not fit or lies about itself.
uint32_t header_length(std::string_view head, uint32_t version) {
  if (version == 2) return kHeaderBytesVersion2;
  if (head.size() < kHeaderBytesVersion3) return 0;
  const uint32_t length = u32_at(head, 100);
  return length >= kHeaderBytesVersion3 && length % 8 == 0 && length <= head.size() ? length : 0;
}

Status check_features(std::string_view head) {
  const uint64_t features = u64_at(head, 72);
  if ((features & kExternalData) != 0) return refused("its data is in another file");
  if ((features & (kDirty | kCorrupt)) != 0)
    return refused("it is marked damaged or not closed; qemu-img check -r all repairs it");
  if ((features & ~(kCompression | kExtendedL2)) != 0) return refused("it has features unknown here");
  if (u32_at(head, 96) > kRefcountOrderMax) return refused("its reference counts are too wide");
  return {};
}

Status check_extension(uint32_t type) {
  switch (type) {
    case kFeatureNames:
    case kBitmaps:
      return {};
    case kBackingFormat:
      return refused("it names a backing file's format");
    case kDataFile:
      return refused("it names a data file");
    case kEncryption:
      return refused("it is encrypted");
    default:
      return refused("it has a header extension unknown here");
  }
}

Status check_extensions(std::string_view head, size_t at) {
  while (true) {
    if (at > head.size() || head.size() - at < 8) return refused("its header extensions do not end");
    const uint32_t type = u32_at(head, at);
    const uint64_t length = (uint64_t{u32_at(head, at + 4)} + 7) / 8 * 8;
    if (type == kEnd) return {};
    NC_TRY_STATUS(check_extension(type));
    at += 8;
    if (length > head.size() - at) return refused("its header extensions do not end");
    at += length;
  }
}

/// Both tables lie inside the file, on clusters, and are not longer than QEMU allows.
Status check_tables(std::string_view head, uint64_t file_size) {
  const uint64_t cluster = uint64_t{1} << u32_at(head, 20);
  const uint64_t l1_entries = u32_at(head, 36), l1_offset = u64_at(head, 40);
  const uint64_t refcounts = u64_at(head, 48), refcount_clusters = u32_at(head, 56);
  if (l1_entries > kL1EntriesMax) return refused("its table of clusters is too long");
  const auto outside = [&](uint64_t offset, uint64_t length) {
    return offset % cluster != 0 || offset > file_size || length > file_size - offset;
  };
  if (outside(l1_offset, l1_entries * 8) || outside(refcounts, refcount_clusters * cluster))
    return refused("a table lies outside the file");
  return {};
}

}  // namespace

Result<Qcow2Header> parse_qcow2(std::string_view head) {
  if (head.size() < kHeaderBytesVersion2 || head.substr(0, kMagic.size()) != kMagic) return refused("it is not qcow2");
  const uint32_t version = u32_at(head, 4);
  if (version != 2 && version != 3) return refused("its version is " + std::to_string(version) + ", not 2 or 3");
  if (header_length(head, version) == 0) return refused("its header has a wrong length");
  const uint32_t cluster_bits = u32_at(head, 20);
  if (cluster_bits < kClusterBitsMin || cluster_bits > kClusterBitsMax)
    return refused("its cluster size is out of range");
  const uint64_t size = u64_at(head, 24);
  if (size > kVirtualSizeMaxBytes) return refused("its virtual size is beyond 1 PiB");
  return Qcow2Header{version, size};
}

Result<Qcow2Header> check_qcow2(std::string_view head, uint64_t file_size_bytes) {
  head = head.substr(0, kQcow2HeadMaxBytes);
  const Qcow2Header header = NC_TRY(parse_qcow2(head));
  if (u64_at(head, 8) != 0 || u32_at(head, 16) != 0) return refused("it has a backing file");
  if (u32_at(head, 32) != 0) return refused("it is encrypted");
  if (u32_at(head, 60) > kSnapshotsMax) return refused("it has too many snapshots");
  if (header.version == 3) NC_TRY_STATUS(check_features(head));
  // An extension cannot reach beyond the first cluster.
  const std::string_view first_cluster = head.substr(0, size_t{1} << u32_at(head, 20));
  NC_TRY_STATUS(check_extensions(first_cluster, header_length(head, header.version)));
  NC_TRY_STATUS(check_tables(head, file_size_bytes));
  return header;
}

}  // namespace novacron::kvm
