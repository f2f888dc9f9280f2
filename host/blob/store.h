// Content-addressed bytes on disk: images, packages. A blob is named by its digest, "sha256:<64 hex>", was verified
// when it came in, and never changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "host/base/clock.h"
#include "host/base/fd.h"
#include "host/base/result.h"

namespace novacron::host::blob {

constexpr size_t kMaxUploads = 256;                    ///< under way at once
constexpr size_t kMaxChunkBytes = 16 * 1'024 * 1'024;  ///< of one append()
constexpr size_t kMaxListed = 1'000;                   ///< blobs in one page

struct Info {
  std::string digest;
  uint64_t size_bytes = 0;
  uint64_t stored_ns = 0;  ///< real time at which it was last uploaded
};

struct Upload {
  std::string id;
  uint64_t offset = 0;  ///< bytes that have arrived; the next chunk starts here
};

struct OpenBlob {
  Info info;
  Fd fd;  ///< read-only, at offset 0, with an offset of its own
};

struct ListReply {
  std::vector<Info> blobs;  ///< by digest, ascending
  bool more = false;
};

struct Usage {
  uint64_t blobs = 0;
  uint64_t blob_bytes = 0;
  uint64_t upload_bytes = 0;  ///< of unfinished uploads
  uint64_t max_bytes = 0;
};

struct CollectReply {
  uint64_t removed = 0;
  uint64_t removed_bytes = 0;
  uint64_t uploads_removed = 0;
};

/// INVALID_ARGUMENT "blob.digest" unless it is "sha256:" and 64 lower-case hex digits.
Status check_digest(std::string_view digest);

/// One process a folder (UNAVAILABLE "blob.locked" for a second). [any] thread; functions use the disk and may block.
/// After a crash every finished blob is there and whole, and unfinished uploads can be continued.
class Store final {
 public:
  struct Options {
    uint64_t max_bytes = 256ull << 30;            ///< blobs and unfinished uploads together
    uint64_t max_blob_bytes = 64ull << 30;        ///< of one blob
    uint64_t upload_idle_ms = 24ull * 3'600'000;  ///< an upload that got nothing for so long is removed by collect()
  };

  static Result<std::unique_ptr<Store>> open(std::filesystem::path folder, Options options, const Clock& clock);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// RESOURCE_EXHAUSTED "blob.uploads".
  Result<Upload> begin();
  /// `offset` must be the upload's: else FAILED_PRECONDITION "blob.offset", and upload() tells where it stands.
  /// NOT_FOUND "blob.upload"; RESOURCE_EXHAUSTED "blob.quota", "blob.size", "blob.disk-full": what had arrived before
  /// stays.
  Result<Upload> append(std::string_view id, uint64_t offset, std::string_view chunk);
  Result<Upload> upload(std::string_view id);
  /// Makes it a blob, durable when this returns. INVALID_ARGUMENT "blob.mismatch" when the bytes have another digest:
  /// the upload is then gone. An empty `digest` takes whatever the bytes have.
  Result<Info> finish(std::string_view id, std::string_view digest);
  Status abort(std::string_view id);
  /// All of it at once.
  Result<Info> put(std::string_view bytes);

  /// NOT_FOUND "blob.not-found".
  Result<Info> stat(std::string_view digest) const;
  Result<OpenBlob> open(std::string_view digest) const;
  /// From the first digest behind `after` on. `limit` 0: kMaxListed.
  Result<ListReply> list(std::string_view after, size_t limit) const;
  /// Who has it open keeps it.
  Status remove(std::string_view digest);
  /// Removes blobs that are not `live` and were stored longer than `grace_ms` ago, and uploads that went idle. The
  /// grace covers the time between an upload and the first reference to it.
  Result<CollectReply> collect(const std::unordered_set<std::string>& live, uint64_t grace_ms);
  Usage usage() const;
  /// Options::max_bytes from now on; what is there stays.
  void set_max_bytes(uint64_t max_bytes);

 private:
  class State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace novacron::host::blob
