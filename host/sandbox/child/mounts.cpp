// The file system that a plugin sees: an empty one with the paths that it may see.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "host/base/fd.h"
#include "host/sandbox/child/fences.h"

namespace novacron::host::sandbox {
namespace {

/// Mounted over for the time being: a place that every machine has.
constexpr const char* kStage = "/tmp";
constexpr unsigned long kTmpfsFlags = MS_NOSUID | MS_NODEV;
constexpr const char* kCheckedLibrary = "/checked.so";
constexpr uint64_t kRootSpareBytes = 1 << 20;

/// Without those a C or C++ library does not load or run. Those that a machine lacks are left out.
constexpr const char* kAlways[] = {"/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime"};
constexpr const char* kForNetwork[] = {"/etc/ssl",           "/etc/resolv.conf", "/etc/hosts",
                                       "/etc/nsswitch.conf", "/etc/gai.conf",    "/etc/services"};
constexpr const char* kDevices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};

struct Clone {
  Fd mount;
  const Exposed* exposed = nullptr;
};

Status describe(Exposed& exposed) {
  struct stat found {};
  if (::stat(exposed.path.c_str(), &found) != 0) {
    Error error = errno_error(exposed.path, errno);
    error.reason = "sandbox.path";
    return error;
  }
  exposed.folder = S_ISDIR(found.st_mode);
  return {};
}

void add_if_there(std::vector<Exposed>& all, Exposed exposed) {
  if (describe(exposed).ok()) all.push_back(std::move(exposed));
}

/// Of what the path names now, before anything is mounted over it.
Result<Clone> clone_of(const Exposed& exposed) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | static_cast<unsigned>(AT_RECURSIVE);
  Clone clone{Fd(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, exposed.path.c_str(), flags))), &exposed};
  if (!clone.mount) return errno_error("see " + exposed.path, errno);
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID | (exposed.device ? 0 : MOUNT_ATTR_NODEV) |
                        (exposed.writable || exposed.device ? 0 : MOUNT_ATTR_RDONLY);
  if (::syscall(SYS_mount_setattr, clone.mount.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
                sizeof(attributes)) != 0) {
    return errno_error("protect " + exposed.path, errno);
  }
  return clone;
}

/// Something to mount on.
Status make_place(const std::string& path, bool folder) {
  std::error_code error;
  const std::filesystem::path place(path);
  std::filesystem::create_directories(folder ? place : place.parent_path(), error);
  if (error) return errno_error(path, error.value());
  if (folder || ::access(path.c_str(), F_OK) == 0) return {};
  const Fd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0444));
  return made ? Status() : errno_error(path, errno);
}

Status place(const Clone& clone) {
  const std::string target = kStage + clone.exposed->target();
  TRY_STATUS(make_place(target, clone.exposed->folder));
  if (::syscall(SYS_move_mount, clone.mount.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return errno_error("show " + clone.exposed->path, errno);
  }
  return {};
}

Status mount_tmpfs(const std::string& path, uint64_t bytes, const char* mode) {
  const std::string options = "mode=" + std::string(mode) + ",size=" + std::to_string(bytes);
  if (::mount("tmpfs", path.c_str(), "tmpfs", kTmpfsFlags, options.c_str()) == 0) return {};
  return errno_error("mount " + path, errno);
}

/// Over the file of the package, which may have changed since it was checked, comes a copy of what was checked.
Status place_library(const std::string& name) {
  const Exposed copy{kStage + std::string(kCheckedLibrary), false, false, false,
                     std::string(kLibraryFolder) + '/' + name};
  const Clone clone = TRY(clone_of(copy));
  return place(clone);
}

Status copy_library(int library) {
  const Fd fd(::open((kStage + std::string(kCheckedLibrary)).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0555));
  if (!fd) return errno_error("the library", errno);
  struct stat found {};
  if (::fstat(library, &found) != 0) return errno_error("the library", errno);
  off_t done = 0;
  while (done < found.st_size) {
    if (::sendfile(fd.get(), library, &done, static_cast<size_t>(found.st_size - done)) <= 0) {
      return errno_error("the library", errno);
    }
  }
  return {};
}

Status write_text(const std::string& path, const std::string& text) {
  TRY_STATUS(make_place(path, false));
  const Fd fd(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  const bool whole = fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return whole ? Status() : errno_error(path, errno);
}

/// Names of the network are what the host says that they are, and nobody else is asked.
Status place_hosts(const std::string& hosts) {
  TRY_STATUS(write_text(std::string(kStage) + kHostsFile, hosts));
  return write_text(std::string(kStage) + kNamesFile, "hosts: files\n");
}

/// The stage becomes the root, and what was is gone.
Status turn_to_stage() {
  if (::chdir(kStage) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 || ::umount2(".", MNT_DETACH) != 0 ||
      ::chdir("/") != 0) {
    return errno_error("turn to an own root", errno);
  }
  if (::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | kTmpfsFlags, nullptr) != 0) {
    return errno_error("protect the root", errno);
  }
  return {};
}

uint64_t size_of(int file) {
  struct stat found {};
  return ::fstat(file, &found) == 0 ? static_cast<uint64_t>(found.st_size) : 0;
}

}  // namespace

Result<std::vector<Exposed>> exposed_paths(const Isolation& wanted) {
  std::vector<Exposed> all;
  for (const char* path : kAlways) add_if_there(all, {path});
  if (wanted.network == Network::kAll) {
    for (const char* path : kForNetwork) add_if_there(all, {path});
  }
  for (const char* path : kDevices) add_if_there(all, {path, true, true});
  if (!wanted.package.empty()) add_if_there(all, {wanted.package, false, false, true, kLibraryFolder});
  for (const std::string& device : wanted.devices) {
    all.push_back({device, true, true});
    TRY_STATUS(describe(all.back()));
  }
  for (const Path& path : wanted.paths) {
    all.push_back({path.path, path.writable});
    TRY_STATUS(describe(all.back()));
  }
  return all;
}

Status enter_own_root(const Isolation& wanted, const std::vector<Exposed>& exposed, int library) {
  ::umask(0022);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno_error("own mounts", errno);
  std::vector<Clone> clones;
  for (const Exposed& one : exposed) clones.push_back(TRY(clone_of(one)));
  TRY_STATUS(mount_tmpfs(kStage, size_of(library) + kRootSpareBytes, "0755"));
  TRY_STATUS(make_place(std::string(kStage) + kTmpFolder, true));
  TRY_STATUS(mount_tmpfs(std::string(kStage) + kTmpFolder, wanted.tmp_bytes, "1777"));
  for (const Clone& clone : clones) TRY_STATUS(place(clone));
  if (wanted.network == Network::kReach) TRY_STATUS(place_hosts(wanted.hosts));
  TRY_STATUS(copy_library(library));
  TRY_STATUS(place_library(wanted.library));
  return turn_to_stage();
}

}  // namespace novacron::host::sandbox
