#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "host/base/fd.h"
#include "host/state/file.h"

namespace novacron::host::state {
namespace {

class PosixFile final : public File {
 public:
  PosixFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return errno_error("write " + path_, errno);
      bytes.remove_prefix(static_cast<size_t>(written));
      offset += static_cast<uint64_t>(written);
    }
    return {};
  }

  Result<size_t> read_at(uint64_t offset, char* into, size_t size) override {
    size_t done = 0;
    while (done < size) {
      const ssize_t got = ::pread(fd_.get(), into + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_error("read " + path_, errno);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  Status sync() override {
    if (::fdatasync(fd_.get()) != 0) return errno_error("sync " + path_, errno);
    return {};
  }

  Status allocate(uint64_t size) override {
    int error = 0;
    do error = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(size));
    while (error == EINTR);
    if (error != 0) return errno_error("allocate " + path_, error);
    return {};
  }

  Result<uint64_t> size() override {
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) return errno_error("stat " + path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  const Fd fd_;
  const std::string path_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(Fd fd) : fd_(std::move(fd)) {}

 private:
  const Fd fd_;  // closing it releases the lock
};

std::string owner_of(int fd) {
  char text[32] = {};
  const ssize_t got = ::pread(fd, text, sizeof text - 1, 0);
  return got > 0 ? " by process " + std::string(text, static_cast<size_t>(got)) : std::string();
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override {
    int flags = O_CLOEXEC | (how == Open::kRead ? O_RDONLY : O_RDWR);
    if (how == Open::kCreate) flags |= O_CREAT | O_TRUNC;
    Fd fd(::open(path.c_str(), flags, 0600));
    if (!fd) return errno_error("open " + path, errno);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(fd), path));
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return errno_error("rename " + from + " to " + to, errno);
    return {};
  }

  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return errno_error("remove " + path, errno);
    return {};
  }

  Status sync_folder(const std::string& folder) override {
    Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return errno_error("open " + folder, errno);
    if (::fsync(fd.get()) != 0) return errno_error("sync " + folder, errno);
    return {};
  }

  Status create_folder(const std::string& folder) override {
    std::vector<std::filesystem::path> missing;
    std::error_code error;
    for (auto path = std::filesystem::absolute(folder); !std::filesystem::exists(path, error);
         path = path.parent_path())
      missing.push_back(path);
    for (auto path = missing.rbegin(); path != missing.rend(); ++path) {
      if (::mkdir(path->c_str(), 0700) != 0 && errno != EEXIST) return errno_error("create " + path->string(), errno);
      TRY_STATUS(sync_folder(path->parent_path().string()));
    }
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& folder) override {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator entry(folder, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
      names.push_back(entry->path().filename().string());
    if (error) return errno_error("list " + folder, error.value());
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return errno_error("open " + path, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return errno_error("lock " + path, errno);
      return Error{Code::kUnavailable, path + " is held" + owner_of(fd.get()) + ": only one may use the folder",
                   "state.locked"};
    }
    const std::string owner = std::to_string(::getpid());
    if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), owner.data(), owner.size(), 0) < 0)
      return errno_error("write " + path, errno);
    return std::unique_ptr<FileLock>(std::make_unique<PosixLock>(std::move(fd)));
  }
};

}  // namespace

FileSystem& posix_files() {
  static PosixFileSystem& files = *new PosixFileSystem;  // never destroyed: threads may outlive main()
  return files;
}

}  // namespace novacron::host::state
