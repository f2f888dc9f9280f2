// The system calls that a plugin may make.
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <initializer_list>
#include <memory>

#include "host/sandbox/child/fences.h"

namespace novacron::host::sandbox {
namespace {

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

/// Memory, time, threads, signals of its own: what touches nothing but the process itself.
constexpr int kOwn[] = {SCMP_SYS(arch_prctl),
                        SCMP_SYS(brk),
                        SCMP_SYS(clock_getres),
                        SCMP_SYS(clock_gettime),
                        SCMP_SYS(clock_nanosleep),
                        SCMP_SYS(exit),
                        SCMP_SYS(exit_group),
                        SCMP_SYS(futex),
                        SCMP_SYS(futex_waitv),
                        SCMP_SYS(get_robust_list),
                        SCMP_SYS(getcpu),
                        SCMP_SYS(getegid),
                        SCMP_SYS(geteuid),
                        SCMP_SYS(getgid),
                        SCMP_SYS(getgroups),
                        SCMP_SYS(getitimer),
                        SCMP_SYS(getpgrp),
                        SCMP_SYS(getpid),
                        SCMP_SYS(getppid),
                        SCMP_SYS(getrandom),
                        SCMP_SYS(getresgid),
                        SCMP_SYS(getresuid),
                        SCMP_SYS(getrlimit),
                        SCMP_SYS(getrusage),
                        SCMP_SYS(gettid),
                        SCMP_SYS(gettimeofday),
                        SCMP_SYS(getuid),
                        SCMP_SYS(madvise),
                        SCMP_SYS(membarrier),
                        SCMP_SYS(mincore),
                        SCMP_SYS(mmap),
                        SCMP_SYS(mprotect),
                        SCMP_SYS(mremap),
                        SCMP_SYS(msync),
                        SCMP_SYS(munmap),
                        SCMP_SYS(nanosleep),
                        SCMP_SYS(pause),
                        SCMP_SYS(restart_syscall),
                        SCMP_SYS(rseq),
                        SCMP_SYS(rt_sigaction),
                        SCMP_SYS(rt_sigpending),
                        SCMP_SYS(rt_sigprocmask),
                        SCMP_SYS(rt_sigreturn),
                        SCMP_SYS(rt_sigsuspend),
                        SCMP_SYS(rt_sigtimedwait),
                        SCMP_SYS(sched_get_priority_max),
                        SCMP_SYS(sched_get_priority_min),
                        SCMP_SYS(sched_getaffinity),
                        SCMP_SYS(sched_getparam),
                        SCMP_SYS(sched_getscheduler),
                        SCMP_SYS(sched_yield),
                        SCMP_SYS(set_robust_list),
                        SCMP_SYS(set_tid_address),
                        SCMP_SYS(setitimer),
                        SCMP_SYS(sigaltstack),
                        SCMP_SYS(sysinfo),
                        SCMP_SYS(tgkill),
                        SCMP_SYS(time),
                        SCMP_SYS(timer_create),
                        SCMP_SYS(timer_delete),
                        SCMP_SYS(timer_getoverrun),
                        SCMP_SYS(timer_gettime),
                        SCMP_SYS(timer_settime),
                        SCMP_SYS(times),
                        SCMP_SYS(umask),
                        SCMP_SYS(uname)};

/// Files; which ones, the other layers say.
constexpr int kFiles[] = {SCMP_SYS(access),        SCMP_SYS(chdir),
                          SCMP_SYS(chmod),         SCMP_SYS(close),
                          SCMP_SYS(close_range),   SCMP_SYS(copy_file_range),
                          SCMP_SYS(creat),         SCMP_SYS(dup),
                          SCMP_SYS(dup2),          SCMP_SYS(dup3),
                          SCMP_SYS(faccessat),     SCMP_SYS(faccessat2),
                          SCMP_SYS(fadvise64),     SCMP_SYS(fallocate),
                          SCMP_SYS(fchdir),        SCMP_SYS(fchmod),
                          SCMP_SYS(fchmodat),      SCMP_SYS(fcntl),
                          SCMP_SYS(fdatasync),     SCMP_SYS(fgetxattr),
                          SCMP_SYS(flock),         SCMP_SYS(fstat),
                          SCMP_SYS(fstatfs),       SCMP_SYS(fsync),
                          SCMP_SYS(ftruncate),     SCMP_SYS(getcwd),
                          SCMP_SYS(getdents),      SCMP_SYS(getdents64),
                          SCMP_SYS(getxattr),      SCMP_SYS(inotify_add_watch),
                          SCMP_SYS(inotify_init1), SCMP_SYS(inotify_rm_watch),
                          SCMP_SYS(lgetxattr),     SCMP_SYS(link),
                          SCMP_SYS(linkat),        SCMP_SYS(lseek),
                          SCMP_SYS(lstat),         SCMP_SYS(mkdir),
                          SCMP_SYS(mkdirat),       SCMP_SYS(newfstatat),
                          SCMP_SYS(open),          SCMP_SYS(openat),
                          SCMP_SYS(openat2),       SCMP_SYS(pread64),
                          SCMP_SYS(preadv),        SCMP_SYS(preadv2),
                          SCMP_SYS(pwrite64),      SCMP_SYS(pwritev),
                          SCMP_SYS(pwritev2),      SCMP_SYS(read),
                          SCMP_SYS(readahead),     SCMP_SYS(readlink),
                          SCMP_SYS(readlinkat),    SCMP_SYS(readv),
                          SCMP_SYS(rename),        SCMP_SYS(renameat),
                          SCMP_SYS(renameat2),     SCMP_SYS(rmdir),
                          SCMP_SYS(sendfile),      SCMP_SYS(splice),
                          SCMP_SYS(stat),          SCMP_SYS(statfs),
                          SCMP_SYS(statx),         SCMP_SYS(symlink),
                          SCMP_SYS(symlinkat),     SCMP_SYS(sync_file_range),
                          SCMP_SYS(tee),           SCMP_SYS(truncate),
                          SCMP_SYS(unlink),        SCMP_SYS(unlinkat),
                          SCMP_SYS(utimensat),     SCMP_SYS(write),
                          SCMP_SYS(writev)};

/// Waiting, and what goes over descriptors that it was given or made.
constexpr int kDescriptors[] = {
    SCMP_SYS(epoll_create),   SCMP_SYS(epoll_create1),   SCMP_SYS(epoll_ctl),      SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),   SCMP_SYS(epoll_wait),      SCMP_SYS(eventfd),        SCMP_SYS(eventfd2),
    SCMP_SYS(getpeername),    SCMP_SYS(getsockname),     SCMP_SYS(getsockopt),     SCMP_SYS(memfd_create),
    SCMP_SYS(pipe),           SCMP_SYS(pipe2),           SCMP_SYS(poll),           SCMP_SYS(ppoll),
    SCMP_SYS(pselect6),       SCMP_SYS(recvfrom),        SCMP_SYS(recvmmsg),       SCMP_SYS(recvmsg),
    SCMP_SYS(select),         SCMP_SYS(setsockopt),      SCMP_SYS(shutdown),       SCMP_SYS(signalfd4),
    SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_gettime), SCMP_SYS(timerfd_settime)};

constexpr int kSending[] = {SCMP_SYS(sendmmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendto)};
constexpr int kSockets[] = {SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(listen)};

constexpr int kPrctls[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS};
constexpr unsigned long kIoctls[] = {FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS};
constexpr uint64_t kNewProcessFlags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                      CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE | CLONE_PARENT | CLONE_VFORK;

template <size_t size>
bool allow_all(const Filter& filter, const int (&calls)[size]) {
  for (const int call : calls) {
    if (::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0) != 0) return false;
  }
  return true;
}

bool allow_if(const Filter& filter, int call, std::initializer_list<scmp_arg_cmp> arguments) {
  return ::seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call, static_cast<unsigned>(arguments.size()),
                                  arguments.begin()) == 0;
}

/// Threads, and nothing else that a clone can be. What glibc tries first has its flags in memory, where no filter
/// sees them: it takes the other after ENOSYS.
bool allow_threads(const Filter& filter) {
  constexpr uint64_t kThread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
  return allow_if(filter, SCMP_SYS(clone), {SCMP_A0(SCMP_CMP_MASKED_EQ, kThread | kNewProcessFlags, kThread)}) &&
         ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

/// The gatekeeper is asked of what makes a connection; nothing else may: not a message (MSG_FASTOPEN), not listening.
bool allow_by_gatekeeper(const Filter& filter, const Isolation& wanted) {
  bool done = ::seccomp_rule_add(filter.get(), SCMP_ACT_NOTIFY, SCMP_SYS(connect), 0) == 0;
  for (const int family : {AF_INET, AF_INET6}) {
    const scmp_arg_cmp is_family = SCMP_A0(SCMP_CMP_EQ, static_cast<uint64_t>(family));
    done = done && ::seccomp_rule_add(filter.get(), SCMP_ACT_NOTIFY, SCMP_SYS(socket), 1, is_family) == 0;
  }
  if (!wanted.paths.empty()) done = done && allow_if(filter, SCMP_SYS(socket), {SCMP_A0(SCMP_CMP_EQ, AF_UNIX)});
  return done && allow_if(filter, SCMP_SYS(sendto), {SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0)}) &&
         allow_if(filter, SCMP_SYS(sendmsg), {SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0)}) &&
         allow_if(filter, SCMP_SYS(sendmmsg), {SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0)});
}

bool allow_sockets(const Filter& filter, const Isolation& wanted) {
  bool done = allow_if(filter, SCMP_SYS(socketpair), {SCMP_A0(SCMP_CMP_EQ, AF_UNIX)});
  if (wanted.network == Network::kReach) return done && allow_by_gatekeeper(filter, wanted);
  done = done && allow_all(filter, kSending);
  const bool network = wanted.network == Network::kAll;
  if (!wanted.paths.empty() || network) {
    done = done && allow_if(filter, SCMP_SYS(socket), {SCMP_A0(SCMP_CMP_EQ, AF_UNIX)}) && allow_all(filter, kSockets);
  }
  for (const int family : {AF_INET, AF_INET6, AF_NETLINK}) {
    if (network)
      done = done && allow_if(filter, SCMP_SYS(socket), {SCMP_A0(SCMP_CMP_EQ, static_cast<uint64_t>(family))});
  }
  return done;
}

bool allow_parts(const Filter& filter, const Isolation& wanted) {
  bool done = allow_if(filter, SCMP_SYS(prlimit64), {SCMP_A2(SCMP_CMP_EQ, 0)});  // reading only
  for (const int option : kPrctls) {
    done = done && allow_if(filter, SCMP_SYS(prctl), {SCMP_A0(SCMP_CMP_EQ, static_cast<uint64_t>(option))});
  }
  if (!wanted.devices.empty()) return done && ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 0) == 0;
  for (const unsigned long request : kIoctls) {
    done = done && allow_if(filter, SCMP_SYS(ioctl), {SCMP_A1(SCMP_CMP_EQ, request)});
  }
  return done;
}

}  // namespace

bool fence_calls(const Isolation& wanted, Fd& listener) {
  const Filter filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)), ::seccomp_release);
  if (!filter) return false;
  const bool made = allow_all(filter, kOwn) && allow_all(filter, kFiles) && allow_all(filter, kDescriptors) &&
                    allow_threads(filter) && allow_sockets(filter, wanted) && allow_parts(filter, wanted);
  if (!made) return errno = EINVAL, false;
  const int loaded = ::seccomp_load(filter.get());
  if (loaded != 0) return errno = -loaded, false;
  if (wanted.network != Network::kReach) return true;
  listener = Fd(::seccomp_notify_fd(filter.get()));
  return static_cast<bool>(listener);
}

}  // namespace novacron::host::sandbox
