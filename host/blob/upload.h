// An upload under way: a file that grows, and the digest of what is in it.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "host/base/fd.h"
#include "host/base/result.h"
#include "host/base/sha256.h"

namespace novacron::host::blob {

/// Guarded by `mutex`, held while it uses the disk: one chunk at a time.
class UploadFile final {
 public:
  static Result<std::shared_ptr<UploadFile>> create(const std::filesystem::path& path);
  /// One that an earlier process left behind. Its digest is computed again when it is needed.
  static Result<std::shared_ptr<UploadFile>> resume(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  int fd() const { return fd_.get(); }
  uint64_t size() const { return size_; }

  /// After an error the file is as it was.
  Status append(std::string_view chunk);
  /// Of all that was appended.
  Result<std::string> finish_hex();

  std::mutex mutex;
  bool gone = false;        ///< finished or removed while somebody waited for the mutex
  uint64_t touched_ns = 0;  ///< real time of the last chunk

 private:
  UploadFile(std::filesystem::path path, Fd fd, uint64_t size, std::unique_ptr<Sha256> digest);

  const std::filesystem::path path_;
  const Fd fd_;
  uint64_t size_;
  std::unique_ptr<Sha256> digest_;  ///< null: to be computed from the file
};

}  // namespace novacron::host::blob
