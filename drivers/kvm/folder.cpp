#include "folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>

namespace novacron::kvm {
namespace {

Result<Fd> open_beneath(int folder, const std::string& name, int flags, uint32_t mode) {
  struct open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how);
  if (fd < 0) return errno_error("open " + name, errno);
  return Fd(static_cast<int>(fd));
}

/// The folder that holds `name`, and the last part of the name.
struct Place {
  Fd folder;
  std::string last;
};

Result<Place> place_of(int root, const std::string& name) {
  const size_t slash = name.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : name.substr(0, slash);
  std::string last = slash == std::string::npos ? name : name.substr(slash + 1);
  if (last.empty() || last == "." || last == "..") return errno_error("open " + name, EINVAL);
  return Place{NC_TRY(open_beneath(root, parent, O_PATH | O_DIRECTORY, 0)), std::move(last)};
}

Status write_all(int fd, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error("write " + name, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

}  // namespace

Result<Folder> Folder::open(const std::string& path) {
  if (path.empty() || path[0] != '/') {
    return Error{.code = Code::kInvalidArgument,
                 .message = "the data folder must be an absolute path: \"" + path + "\""};
  }
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  if (failure) return errno_error("make folder " + path, failure.value());
  Fd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error("open folder " + path, errno);
  return Folder(path, std::move(fd));
}

Result<Fd> Folder::open_file(const std::string& name, int flags, uint32_t mode) const {
  return open_beneath(fd_.get(), name, flags | O_NOCTTY, mode);
}

Result<Fd> Folder::open_folder(const std::string& name) const {
  return open_beneath(fd_.get(), name, O_RDONLY | O_DIRECTORY, 0);
}

Status Folder::make_folder(const std::string& name, uint32_t mode) const {
  const Place place = NC_TRY(place_of(fd_.get(), name));
  if (::mkdirat(place.folder.get(), place.last.c_str(), mode) != 0 && errno != EEXIST) {
    return errno_error("make folder " + name, errno);
  }
  NC_TRY(open_folder(name));  // what was there may be a file or a link
  return {};
}

Result<std::string> Folder::read_file(const std::string& name, size_t max_bytes) const {
  const Fd fd = NC_TRY(open_file(name, O_RDONLY));
  std::string bytes(max_bytes + 1, '\0');
  size_t length = 0;
  while (length < bytes.size()) {
    const ssize_t got = ::read(fd.get(), bytes.data() + length, bytes.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read " + name, errno);
    if (got == 0) break;
    length += static_cast<size_t>(got);
  }
  if (length > max_bytes) return Error{.code = Code::kResourceExhausted, .message = name + " is too long"};
  bytes.resize(length);
  return bytes;
}

Status Folder::replace_file(const std::string& name, std::string_view bytes) const {
  const Place place = NC_TRY(place_of(fd_.get(), name));
  const std::string draft = name + ".new";
  {
    const Fd fd = NC_TRY(open_file(draft, O_WRONLY | O_CREAT | O_TRUNC));
    NC_TRY_STATUS(write_all(fd.get(), bytes, draft));
    if (::fsync(fd.get()) != 0) return errno_error("sync " + draft, errno);
  }
  NC_TRY_STATUS(rename(draft, name));
  const Fd folder = NC_TRY(open_beneath(place.folder.get(), ".", O_RDONLY | O_DIRECTORY, 0));
  if (::fsync(folder.get()) != 0) return errno_error("sync folder of " + name, errno);
  return {};
}

Status Folder::rename(const std::string& from, const std::string& to) const {
  const Place source = NC_TRY(place_of(fd_.get(), from));
  const Place target = NC_TRY(place_of(fd_.get(), to));
  if (::renameat(source.folder.get(), source.last.c_str(), target.folder.get(), target.last.c_str()) != 0) {
    return errno_error("rename " + from + " to " + to, errno);
  }
  return {};
}

Status Folder::remove_file(const std::string& name) const {
  const auto place = place_of(fd_.get(), name);
  if (!place.ok()) return place.code() == Code::kNotFound ? Status{} : Status{place.error()};
  if (::unlinkat(place->folder.get(), place->last.c_str(), 0) != 0 && errno != ENOENT) {
    return errno_error("remove " + name, errno);
  }
  return {};
}

Status Folder::remove_folder(const std::string& name) const {
  const auto entries = list(name);
  if (!entries.ok()) return entries.code() == Code::kNotFound ? Status{} : Status{entries.error()};
  for (const std::string& entry : *entries) NC_TRY_STATUS(remove_file(name + "/" + entry));
  const Place place = NC_TRY(place_of(fd_.get(), name));
  if (::unlinkat(place.folder.get(), place.last.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return errno_error("remove folder " + name, errno);
  }
  return {};
}

bool Folder::contains(const std::string& name) const {
  return open_beneath(fd_.get(), name, O_PATH, 0).ok();
}

Result<std::vector<std::string>> Folder::list(const std::string& name) const {
  Fd fd = NC_TRY(open_folder(name));
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(fd.get()), &::closedir);
  if (!folder) return errno_error("list " + name, errno);
  fd.release();  // closedir() closes it
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(folder.get())) {
    std::string entry_name = entry->d_name;
    if (entry_name != "." && entry_name != "..") names.push_back(std::move(entry_name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace novacron::kvm
