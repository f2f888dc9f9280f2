// A strict reader of qcow2 headers. A user's image is never given to QEMU before it has passed here: a header can name
// other files of the host, and QEMU would open them.
//
//   0  magic "QFI\xfb"      4  version (2, 3)          8  backing file: offset (8), 16 size (4)
//  20  cluster bits        24  virtual size (8)       32  encryption method
//  36  L1 entries          40  L1 offset (8)          48  refcount table: offset (8), 56 clusters (4)
//  60  snapshots (4), 64 offset (8)
//  version 3: 72 incompatible (8), 80 compatible (8), 88 autoclear features (8), 96 refcount order, 100 header length
//  then extensions: type (4), length (4), data, padded to 8; type 0 ends them. All numbers are big-endian.
#pragma once

#include <cstdint>
#include <string_view>

#include "novacron/result.h"

namespace novacron::kvm {

/// So much of a file's beginning is enough for check_qcow2(); extensions that reach further are refused.
inline constexpr size_t kQcow2HeadMaxBytes = 64 * 1024;

struct Qcow2Header {
  uint32_t version = 0;
  uint64_t virtual_size_bytes = 0;
};

/// Reads a header as our own qemu-img writes it: it may have a backing file.
Result<Qcow2Header> parse_qcow2(std::string_view head);

/// The header of a user's image. FAILED_PRECONDITION "compute.image-refused" when it refers to anything outside itself
/// (a backing file, a data file), is encrypted, damaged, or has a feature or an extension unknown here.
Result<Qcow2Header> check_qcow2(std::string_view head, uint64_t file_size_bytes);

}  // namespace novacron::kvm
