#include "host/blob/upload.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "host/blob/disk.h"

namespace novacron::host::blob {

UploadFile::UploadFile(std::filesystem::path path, Fd fd, uint64_t size, std::unique_ptr<Sha256> digest)
    : path_(std::move(path)), fd_(std::move(fd)), size_(size), digest_(std::move(digest)) {}

Result<std::shared_ptr<UploadFile>> UploadFile::create(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return disk_error("create", path, errno);
  return std::shared_ptr<UploadFile>(new UploadFile(path, std::move(fd), 0, std::make_unique<Sha256>()));
}

Result<std::shared_ptr<UploadFile>> UploadFile::resume(const std::filesystem::path& path) {
  if (::chmod(path.c_str(), 0600) != 0) return disk_error("change", path, errno);  // a finish that was cut short
  Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return disk_error("open", path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return disk_error("stat", path, errno);
  return std::shared_ptr<UploadFile>(new UploadFile(path, std::move(fd), static_cast<uint64_t>(info.st_size), nullptr));
}

Status UploadFile::append(std::string_view chunk) {
  auto written = write_at(fd_.get(), size_, chunk, path_);
  if (!written.ok()) {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) return disk_error("shorten", path_, errno);
    return written;
  }
  size_ += chunk.size();
  if (digest_) digest_->update(chunk);
  return {};
}

Result<std::string> UploadFile::finish_hex() {
  if (!digest_) {
    digest_ = std::make_unique<Sha256>();
    TRY_STATUS(read_into(fd_.get(), size_, *digest_, path_));
  }
  auto hex = digest_->finish_hex();
  digest_ = nullptr;
  return hex;
}

}  // namespace novacron::host::blob
