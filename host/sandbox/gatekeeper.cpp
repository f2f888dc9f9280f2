#include "host/sandbox/gatekeeper.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "host/base/log.h"

namespace novacron::host::sandbox {
namespace {

constexpr int kLookEveryMs = 500;
constexpr timeval kSlice{0, 500'000};  ///< of a wait for a connection; then it is asked whether anybody still wants it
constexpr int kTypeMask = 0xf;

/// The plugin is told of a number.
struct Answer {
  int error = 0;
  bool by_kernel = false;  ///< the call is made as it was asked for
};

/// A socket's flags, as far as they concern a connection.
struct Waiting {
  int family = AF_UNSPEC;
  bool blocks = false;
};

Result<Waiting> look_at(const Fd& socket) {
  Waiting waiting;
  socklen_t size = sizeof(waiting.family);
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &waiting.family, &size) != 0) {
    return errno_error("no socket", errno);
  }
  waiting.blocks = (::fcntl(socket.get(), F_GETFL) & O_NONBLOCK) == 0;
  return waiting;
}

/// connect() on a socket that waits, for as long as `wanted`. Its own time limit is back afterwards.
int connect_waiting(const Fd& socket, const SocketAddress& to, const std::function<bool()>& wanted) {
  timeval own{};
  socklen_t size = sizeof(own);
  ::getsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &own, &size);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kSlice, sizeof(kSlice));
  int error = 0;
  do {
    error = ::connect(socket.get(), to.get(), to.size) == 0 ? 0 : errno;
  } while ((error == EINPROGRESS || error == EALREADY || error == EINTR) && wanted());
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &own, sizeof(own));
  return error == EISCONN ? 0 : error;
}

}  // namespace

/// Shared with the connections that are being made.
struct Gatekeeper::Gate : std::enable_shared_from_this<Gate> {
  explicit Gate(Options of) : options(std::move(of)), pidfd(::fcntl(options.pidfd, F_DUPFD_CLOEXEC, 0)) {}

  void serve() {
    while (!stopping) {
      pollfd polled{options.listener.get(), POLLIN, 0};
      if (::poll(&polled, 1, kLookEveryMs) < 0 && errno != EINTR) return;
      if ((polled.revents & POLLIN) != 0) {
        serve_one();
      } else if (polled.revents != 0) {
        return;  // the process has ended
      }
    }
  }

  void serve_one() {
    seccomp_notif asked{};
    if (::ioctl(options.listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return;  // gone meanwhile
    if (asked.data.nr == SYS_socket) return make_socket(asked);
    if (asked.data.nr == SYS_connect) return begin_connection(asked);
    answer(asked.id, {EPERM});
  }

  void answer(uint64_t id, Answer what) const {
    seccomp_notif_resp response{};
    response.id = id;
    response.error = -what.error;
    if (what.by_kernel) response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ::ioctl(options.listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);  // fails when nobody waits for it any more
  }

  bool is_waited_for(uint64_t id) const {
    return !stopping && ::ioctl(options.listener.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
  }

  /// TCP, of the host's own network; it is put into the process in the same step as the answer.
  void make_socket(const seccomp_notif& asked) const {
    const int family = static_cast<int>(asked.data.args[0]);
    const int type = static_cast<int>(asked.data.args[1]);
    const int protocol = static_cast<int>(asked.data.args[2]);
    if ((type & kTypeMask) != SOCK_STREAM || (protocol != 0 && protocol != IPPROTO_TCP)) {
      return answer(asked.id, {EACCES});
    }
    const Fd made(::socket(family, SOCK_STREAM | (type & SOCK_NONBLOCK) | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!made) return answer(asked.id, {errno});
    seccomp_notif_addfd given{};
    given.id = asked.id;
    given.srcfd = static_cast<uint32_t>(made.get());
    given.flags = SECCOMP_ADDFD_FLAG_SEND;
    given.newfd_flags = (type & SOCK_CLOEXEC) != 0 ? O_CLOEXEC : 0;
    if (::ioctl(options.listener.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &given) < 0) answer(asked.id, {errno});
  }

  /// The plugin's address, copied: what it writes there later counts no more.
  Result<SocketAddress> address_of(const seccomp_notif& asked) const {
    SocketAddress address;
    const uint64_t size = asked.data.args[2];
    if (size > sizeof(address.storage)) return errno_error("address", EINVAL);
    iovec to{&address.storage, size};
    iovec from{reinterpret_cast<void*>(asked.data.args[1]), size};  // NOLINT: of the process's memory
    const ssize_t got = ::process_vm_readv(options.process, &to, 1, &from, 1, 0);
    if (got != static_cast<ssize_t>(size)) return errno_error("address", EFAULT);
    address.size = static_cast<socklen_t>(size);
    return address;
  }

  void begin_connection(const seccomp_notif& asked) {
    Fd socket(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), asked.data.args[0], 0)));
    if (!socket) return answer(asked.id, {errno});
    const auto waiting = look_at(socket);
    if (!waiting.ok()) return answer(asked.id, {ENOTSOCK});
    // Another socket may be in its place by the time that the kernel looks, so only where Landlock stops that one.
    if (waiting->family == AF_UNIX && options.unix_sockets) return answer(asked.id, {0, true});
    if (waiting->family != AF_INET && waiting->family != AF_INET6) return answer(asked.id, {EPERM});
    const auto address = address_of(asked);
    if (!address.ok()) return answer(asked.id, {EFAULT});
    const auto target = options.reach.target(*address);
    if (!target) {
      note_refusal(*address);
      return answer(asked.id, {EPERM});
    }
    if (target->name.empty() && !waiting->blocks) return answer(asked.id, {connect_now(socket, *address)});
    connect_elsewhere(asked.id, std::move(socket), *waiting, *target, *address);
  }

  static int connect_now(const Fd& socket, const SocketAddress& to) {
    return ::connect(socket.get(), to.get(), to.size) == 0 ? 0 : errno;
  }

  void connect_elsewhere(uint64_t id, Fd socket, Waiting waiting, Reach::Target target, SocketAddress address) {
    if (connecting.fetch_add(1) >= kMaxConnecting) {
      --connecting;
      return answer(id, {EAGAIN});
    }
    auto work = [self = shared_from_this(), id, shared = std::make_shared<Fd>(std::move(socket)), waiting,
                 target = std::move(target), address] {
      const auto to = target.name.empty() ? std::vector{address} : addresses_of(target, waiting.family);
      self->answer(id, {self->connect_to_one(id, *shared, waiting, to)});
      --self->connecting;
    };
    if (options.run(std::move(work))) return;
    --connecting;
    answer(id, {EAGAIN});
  }

  /// The first that takes it, where the plugin waits; else the first.
  int connect_to_one(uint64_t id, const Fd& socket, Waiting waiting, const std::vector<SocketAddress>& to) const {
    int error = EHOSTUNREACH;
    for (const SocketAddress& one : to) {
      if (!is_waited_for(id)) return EINTR;
      if (!waiting.blocks) return connect_now(socket, one);
      error = connect_waiting(socket, one, [this, id] { return is_waited_for(id); });
      if (error == 0) break;
    }
    return error;
  }

  /// The 1st, 10th, 100th …
  void note_refusal(const SocketAddress& to) {
    uint64_t count = ++refused;
    while (count % 10 == 0) count /= 10;
    if (count != 1) return;
    log_warn("sandbox", "connection refused: it is not granted",
             {{"plugin", options.plugin}, {"to", text_of(to)}, {"count", refused.load()}});
  }

  const Options options;
  const Fd pidfd;
  std::atomic<bool> stopping = false;
  std::atomic<uint32_t> connecting = 0;
  std::atomic<uint64_t> refused = 0;
};

Gatekeeper::Gatekeeper(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}

Result<std::unique_ptr<Gatekeeper>> Gatekeeper::start(Options options) {
  std::unique_ptr<Gatekeeper> keeper(new Gatekeeper(std::make_shared<Gate>(std::move(options))));
  if (!keeper->gate_->pidfd) return errno_error("pidfd", errno);
  try {
    keeper->thread_ = std::thread([gate = keeper->gate_] {
      pthread_setname_np(pthread_self(), "nc-gatekeeper");
      gate->serve();
    });
  } catch (const std::system_error& error) {
    return Error{Code::kResourceExhausted, std::string("no thread for a sandbox: ") + error.what(), "host.threads"};
  }
  return keeper;
}

Gatekeeper::~Gatekeeper() {
  gate_->stopping = true;
  if (thread_.joinable()) thread_.join();
}

}  // namespace novacron::host::sandbox
