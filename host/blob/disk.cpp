#include "host/blob/disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace novacron::host::blob {
namespace {

constexpr size_t kReadBytes = 1'024 * 1'024;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

}  // namespace

Error disk_error(std::string_view what, const std::filesystem::path& path, int errno_value) {
  Error error = errno_error(std::string(what) + " " + path.string(), errno_value);
  if (errno_value == ENOSPC || errno_value == EDQUOT) error.reason = "blob.disk-full";
  return error;
}

Status sync_file(int fd, const std::filesystem::path& path) {
  if (::fsync(fd) != 0) return disk_error("sync", path, errno);
  return {};
}

Status sync_folder(const std::filesystem::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return disk_error("open", folder, errno);
  return sync_file(fd.get(), folder);
}

Status write_at(int fd, uint64_t offset, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return disk_error("write", path, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return {};
}

Status read_into(int fd, uint64_t size, Sha256& digest, const std::filesystem::path& path) {
  std::string buffer(std::min<uint64_t>(size, kReadBytes), '\0');
  for (uint64_t offset = 0; offset < size;) {
    const ssize_t got =
        ::pread(fd, buffer.data(), std::min<uint64_t>(buffer.size(), size - offset), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return disk_error("read", path, errno);
    if (got == 0) return Error{Code::kDataLoss, path.string() + " has become shorter", "blob.upload"};
    digest.update({buffer.data(), static_cast<size_t>(got)});
    offset += static_cast<uint64_t>(got);
  }
  return {};
}

Status set_modified(int fd, uint64_t real_ns, const std::filesystem::path& path) {
  const timespec time{static_cast<time_t>(real_ns / kNsPerSecond), static_cast<long>(real_ns % kNsPerSecond)};
  const timespec times[2] = {time, time};
  if (::futimens(fd, times) != 0) return disk_error("set the time of", path, errno);
  return {};
}

Result<Fd> lock_folder(const std::filesystem::path& folder) {
  const auto path = folder / "lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return disk_error("open", path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return disk_error("lock", path, errno);
  return Error{Code::kUnavailable, "another process uses the blobs in " + folder.string(), "blob.locked"};
}

}  // namespace novacron::host::blob
