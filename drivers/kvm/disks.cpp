#include "disks.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "child.h"
#include "qcow2.h"
#include "text.h"

namespace novacron::kvm {
namespace {

constexpr const char* kQemuImg = "/usr/bin/qemu-img";
constexpr const char* kIsoMaker = "/usr/bin/xorrisofs";
constexpr size_t kCopyChunkBytes = 1 << 20;

std::string guest_folder(const std::string& uid) {
  return "guests/" + uid;
}
std::string image_name(const std::string& digest) {
  return "images/" + digest.substr(digest.find(':') + 1);
}
const char* format_name(DiskFormat format) {
  return format == DiskFormat::kQcow2 ? "qcow2" : "raw";
}

Error invalid(const std::string& message) {
  return Error{.code = Code::kInvalidArgument, .message = message, .reason = "compute.invalid-disk"};
}

/// Copies by a shared extent where the file system can, else by the kernel, else by hand.
Status copy_bytes(int from, int to, uint64_t size) {
  if (::ioctl(to, FICLONE, from) == 0) return {};
  uint64_t done = 0;
  while (done < size) {
    auto offset = static_cast<loff_t>(done);
    const ssize_t copied = ::copy_file_range(from, &offset, to, nullptr, std::min<uint64_t>(size - done, 1u << 30), 0);
    if (copied <= 0) break;
    done += static_cast<uint64_t>(copied);
  }
  std::string chunk(done < size ? kCopyChunkBytes : 0, '\0');
  while (done < size) {
    const ssize_t got = ::pread(from, chunk.data(), chunk.size(), static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return errno_error("read image", got == 0 ? EIO : errno);
    const ssize_t written = ::pwrite(to, chunk.data(), static_cast<size_t>(got), static_cast<off_t>(done));
    if (written < 0 && errno != EINTR) return errno_error("write image", errno);
    if (written > 0) done += static_cast<uint64_t>(written);
  }
  return {};
}

Result<std::string> head_of(int fd) {
  std::string head(kQcow2HeadMaxBytes, '\0');
  const ssize_t got = ::pread(fd, head.data(), head.size(), 0);
  if (got < 0) return errno_error("read image", errno);
  head.resize(static_cast<size_t>(got));
  return head;
}

Result<uint64_t> size_of(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return errno_error("stat", errno);
  return static_cast<uint64_t>(status.st_size);
}

}  // namespace

std::string Disks::console_log_name(const std::string& uid) {
  return guest_folder(uid) + "/console.log";
}

Status Disks::prepare() {
  NC_TRY_STATUS(folder_.make_folder("images"));
  return folder_.make_folder("guests");
}

Status Disks::make_guest(const std::string& uid) {
  return folder_.make_folder(guest_folder(uid));
}

Result<std::string> Disks::image(const std::string& digest) {
  if (!is_digest(digest)) return invalid("\"" + digest + "\" is no digest of a blob");
  const std::string name = image_name(digest);
  const std::lock_guard lock(fetching_);
  if (!folder_.contains(name)) NC_TRY_STATUS(fetch(digest, name));
  return folder_.path_of(name);
}

Status Disks::fetch(const std::string& digest, const std::string& name) {
  auto image = images_.open(digest);
  if (!image.ok()) return wrap(std::move(image).error(), "image " + digest);
  const std::string draft = name + ".new";
  NC_TRY_STATUS(folder_.remove_file(draft));
  const Fd file = NC_TRY(folder_.open_file(draft, O_WRONLY | O_CREAT | O_EXCL, 0444));
  NC_TRY_STATUS(copy_bytes(image->file.get(), file.get(), image->size_bytes));
  if (NC_TRY(size_of(file.get())) != image->size_bytes) {
    return Error{.code = Code::kDataLoss,
                 .message = "image " + digest + " is shorter than its blob",
                 .reason = "compute.image-damaged"};
  }
  if (::fsync(file.get()) != 0) return errno_error("sync " + draft, errno);
  return folder_.rename(draft, name);
}

/// Whether the image may be used, and the size of the disk in it.
Result<uint64_t> Disks::check_image(const DiskOrder& order) {
  const Fd file = NC_TRY(folder_.open_file(image_name(order.image), O_RDONLY));
  const uint64_t size = NC_TRY(size_of(file.get()));
  if (order.image_format == DiskFormat::kRaw) return size;
  const std::string head = NC_TRY(head_of(file.get()));
  auto header = check_qcow2(head, size);
  if (!header.ok()) return wrap(std::move(header).error(), "disk " + order.name);
  return header->virtual_size_bytes;
}

Result<DomainDisk> Disks::disk(const std::string& uid, const DiskOrder& order) {
  if (!is_label(order.name)) return invalid("\"" + order.name + "\" cannot name a disk");
  if (order.image.empty() && !order.size_bytes) return invalid("disk " + order.name + " needs a size or an image");
  DomainDisk disk{.name = order.name, .file = {}, .backing = std::nullopt, .read_only = order.read_only};
  uint64_t image_size = 0;
  if (!order.image.empty()) {
    disk.backing = DiskFile{NC_TRY(image(order.image)), order.image_format};
    image_size = NC_TRY(check_image(order));
  }
  if (order.read_only && disk.backing) {
    disk.file = *std::exchange(disk.backing, std::nullopt);
    return disk;
  }
  const uint64_t size = order.size_bytes.value_or(image_size);
  if (size < image_size) return invalid("disk " + order.name + " is smaller than its image");
  const std::string name = guest_folder(uid) + "/" + order.name + ".qcow2";
  NC_TRY_STATUS(folder_.contains(name) ? grow(name, order) : make_layer(name, order, size));
  disk.file = {folder_.path_of(name), DiskFormat::kQcow2};
  return disk;
}

Status Disks::make_layer(const std::string& name, const DiskOrder& order, uint64_t size_bytes) {
  const std::string draft = name + ".new";
  NC_TRY_STATUS(folder_.remove_file(draft));
  std::vector<std::string> command = {kQemuImg, "create", "-q", "-f", "qcow2"};
  if (!order.image.empty()) {
    command.insert(command.end(),
                   {"-b", folder_.path_of(image_name(order.image)), "-F", format_name(order.image_format)});
  }
  command.insert(command.end(), {folder_.path_of(draft), std::to_string(size_bytes)});
  NC_TRY_STATUS(run_child_to_success(command));
  return folder_.rename(draft, name);
}

Status Disks::grow(const std::string& name, const DiskOrder& order) {
  const Fd file = NC_TRY(folder_.open_file(name, O_RDONLY));
  const std::string head = NC_TRY(head_of(file.get()));
  const Qcow2Header header = NC_TRY(parse_qcow2(head));
  if (!order.size_bytes || *order.size_bytes == header.virtual_size_bytes) return {};
  if (*order.size_bytes < header.virtual_size_bytes) {
    return Error{.code = Code::kFailedPrecondition,
                 .message = "disk " + order.name + " has " + std::to_string(header.virtual_size_bytes) +
                            " bytes and cannot shrink",
                 .reason = "compute.disk-shrink"};
  }
  return run_child_to_success(
      {kQemuImg, "resize", "-q", "-f", "qcow2", folder_.path_of(name), std::to_string(*order.size_bytes)});
}

Result<DomainDisk> Disks::seed(const std::string& uid, const std::string& name, const std::string& user_data) {
  const std::string source = guest_folder(uid) + "/seed", iso = guest_folder(uid) + "/seed.iso", draft = iso + ".new";
  if (::access(kIsoMaker, X_OK) != 0) {
    return Error{.code = Code::kFailedPrecondition,
                 .message = std::string("user data needs ") + kIsoMaker + ", of the package xorriso",
                 .reason = "compute.seed-tool-missing"};
  }
  NC_TRY_STATUS(folder_.remove_folder(source));
  NC_TRY_STATUS(folder_.make_folder(source, 0700));
  NC_TRY_STATUS(folder_.replace_file(source + "/user-data", user_data));
  NC_TRY_STATUS(
      folder_.replace_file(source + "/meta-data", "instance-id: " + uid + "\nlocal-hostname: " + name + "\n"));
  NC_TRY_STATUS(run_child_to_success({kIsoMaker, "-quiet", "-output", folder_.path_of(draft), "-volid", "cidata",
                                      "-joliet", "-rock", folder_.path_of(source)}));
  NC_TRY_STATUS(folder_.rename(draft, iso));
  NC_TRY_STATUS(folder_.remove_folder(source));
  return DomainDisk{
      .name = "cidata", .file = {folder_.path_of(iso), DiskFormat::kRaw}, .backing = std::nullopt, .read_only = true};
}

Result<std::string> Disks::new_console_log(const std::string& uid) {
  const std::string name = console_log_name(uid);
  NC_TRY_STATUS(folder_.remove_file(name));
  return folder_.path_of(name);
}

Status Disks::remove_guest(const std::string& uid) {
  NC_TRY_STATUS(folder_.remove_folder(guest_folder(uid) + "/seed"));
  return folder_.remove_folder(guest_folder(uid));
}

Status Disks::remove_images_except(const std::function<std::set<std::string>()>& used) {
  const std::lock_guard lock(fetching_);
  const std::set<std::string> kept = used();
  for (const std::string& entry : NC_TRY(folder_.list("images"))) {
    if (!kept.contains("sha256:" + entry)) NC_TRY_STATUS(folder_.remove_file("images/" + entry));
  }
  return {};
}

}  // namespace novacron::kvm
