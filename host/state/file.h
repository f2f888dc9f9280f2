// The disk as the state engine sees it: the seam at which tests and the simulator lose power, tear writes and flip
// bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::state {

/// One open file. One thread at a time.
class File {
 public:
  virtual ~File() = default;
  /// RESOURCE_EXHAUSTED: the disk is full; part of the bytes may have been written.
  virtual Status write_at(uint64_t offset, std::string_view bytes) = 0;
  /// How many bytes were read: fewer than `size` only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, char* into, size_t size) = 0;
  /// What was written is on the disk. After an error nobody knows what is: the file must not be trusted any more.
  virtual Status sync() = 0;
  /// The file is at least so long, new bytes are zero, and writing below `size` needs no more space.
  virtual Status allocate(uint64_t size) = 0;
  virtual Result<uint64_t> size() = 0;
};

/// Held as long as the object lives; the process's end releases it too.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

/// [any] thread.
class FileSystem {
 public:
  enum class Open { kRead, kWrite, kCreate };  ///< kWrite: it must exist; kCreate: empty, replacing what was there

  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Open how) = 0;
  /// Replaces `to` in one step. Durable after sync_folder().
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  virtual Status sync_folder(const std::string& folder) = 0;
  virtual Status create_folder(const std::string& folder) = 0;  ///< durable, with its parents; it may be there already
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;  ///< names, in order
  /// UNAVAILABLE "state.locked" when somebody holds it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

/// The machine's own disk. Lives as long as the process.
FileSystem& posix_files();

/// The whole file.
Result<std::string> read_file(FileSystem& files, const std::string& path);
/// Durable and whole, or not there at all: written beside, synced, renamed, the folder synced.
Status write_file(FileSystem& files, const std::string& folder, const std::string& name, std::string_view bytes);

}  // namespace novacron::host::state
