#include "host/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "host/base/fd.h"

namespace novacron::host {
namespace {

Status write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error("write " + path, errno);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Status sync_folder_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return errno_error("sync " + folder, errno);
  return {};
}

}  // namespace

Status write_file(const std::string& path, std::string_view content, mode_t mode) {
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return errno_error("create " + temporary, errno);
  TRY_STATUS(write_all(fd.get(), content, temporary));
  if (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0) return errno_error("sync " + temporary, errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_error("rename " + temporary, errno);
  return sync_folder_of(path);
}

Result<std::string> read_file(const std::string& path, size_t max_bytes) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error("open " + path, errno);
  std::string content;
  char buffer[16 * 1024];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read " + path, errno);
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > max_bytes) {
      return Error{Code::kResourceExhausted, path + " is larger than " + std::to_string(max_bytes) + " bytes",
                   "file.too-large"};
    }
  }
}

Status make_folder(const std::string& path, mode_t mode) {
  std::error_code failure;
  const bool made = std::filesystem::create_directories(path, failure);
  if (failure) return errno_error("create folder " + path, failure.value());
  if (made && ::chmod(path.c_str(), mode) != 0) return errno_error("set the mode of " + path, errno);
  return {};
}

}  // namespace novacron::host
