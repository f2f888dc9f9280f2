#include "host/sandbox/child/isolate.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/base/fd.h"
#include "host/sandbox/child/fences.h"

namespace novacron::host::sandbox {
namespace {

constexpr int kLastCapability = 63;

bool limit(int what, uint64_t value) {
  const rlimit wanted{value, value};
  return ::setrlimit(static_cast<__rlimit_resource>(what), &wanted) == 0;
}

bool set_limits(const Isolation& wanted) {
  bool all = limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, wanted.open_files) && limit(RLIMIT_MEMLOCK, 0) &&
             limit(RLIMIT_MSGQUEUE, 0) && limit(RLIMIT_RTPRIO, 0) && limit(RLIMIT_NICE, 0);
#ifndef __SANITIZE_ADDRESS__  // whose shadow is larger than any limit
  if (!has(wanted.have, Layer::kCgroup)) all = limit(RLIMIT_DATA, wanted.memory_bytes) && all;
#endif
  return all;
}

/// Of the kernel's own user only: it counts all that this user runs, so it comes after the change of user.
bool limit_threads(const Isolation& wanted) {
  return limit(RLIMIT_NPROC, wanted.threads);
}

bool write_at(int folder, const char* path, const std::string& text) {
  const Fd fd(::openat(folder, path, O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// Gives up root, also as the owner of files.
bool become(uint32_t user) {
  if (::setgroups(0, nullptr) != 0) return false;
  if (::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0) return false;
  ::prctl(PR_SET_DUMPABLE, 1);  // so that its maps are its own to write
  return true;
}

/// What capabilities it ever got would be good in here only.
bool own_user_namespace(uint32_t user, int proc) {
  if (::unshare(CLONE_NEWUSER) != 0) return false;
  const std::string map = std::to_string(user) + ' ' + std::to_string(user) + " 1";
  return write_at(proc, "self/setgroups", "deny") && write_at(proc, "self/uid_map", map) &&
         write_at(proc, "self/gid_map", map);
}

bool drop_capabilities() {
  for (int capability = 0; capability <= kLastCapability; ++capability) {
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  return ::syscall(SYS_capset, &header, none) == 0;
}

class Progress final {
 public:
  explicit Progress(Layers have) { isolated_.layers = have; }
  void note(Layer layer, bool done, const char* what) {
    if (done) {
      isolated_.layers |= static_cast<uint32_t>(layer);
    } else {
      isolated_.why_not += std::string(isolated_.why_not.empty() ? "" : "; ") + what + ": " + std::strerror(errno);
    }
  }
  Isolated& isolated() { return isolated_; }

 private:
  Isolated isolated_;
};

}  // namespace

Result<Isolated> isolate(const Isolation& wanted, int library) {
  if (wanted.network == Network::kReach && !wanted.paths.empty() && !can_fence_tcp()) {
    return Error{Code::kFailedPrecondition,
                 "Landlock of this machine does not know of TCP, so a plugin cannot have paths and named places of the "
                 "network at once: grant it network \"none\" or \"all\"",
                 "sandbox.network"};
  }
  Progress progress(wanted.have);
  const Fd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::vector<Exposed> exposed = TRY(exposed_paths(wanted));
  if (has(wanted.have, Layer::kMountNamespace)) {
    TRY_STATUS(enter_own_root(wanted, exposed, library));
    progress.isolated().folder = kLibraryFolder;
  }
  progress.note(Layer::kRlimits, set_limits(wanted), "rlimits");
  if (!has(wanted.have, Layer::kUserNamespace) && ::geteuid() == 0) {
    if (!become(wanted.user)) return errno_error("become user " + std::to_string(wanted.user), errno);
    progress.note(Layer::kUserNamespace, own_user_namespace(wanted.user, proc.get()), "user namespace");
  }
  if (has(progress.isolated().layers, Layer::kUserNamespace)) {
    progress.note(Layer::kRlimits, limit_threads(wanted), "rlimits");
  }
  if (!drop_capabilities()) return errno_error("drop capabilities", errno);
  progress.note(Layer::kNoNewPrivileges, ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a change of user or of capabilities has taken it back
  ::prctl(PR_SET_DUMPABLE, 0);
  progress.note(Layer::kLandlock, fence_files(wanted, exposed), "Landlock");
  progress.note(Layer::kSeccomp, fence_calls(wanted, progress.isolated().listener), "seccomp");
  return std::move(progress.isolated());
}

}  // namespace novacron::host::sandbox
