#include "console.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "console_input.h"
#include "disks.h"
#include "folder.h"

namespace novacron::kvm {
namespace {

constexpr size_t kViewersMax = 64;
constexpr size_t kChunkBytes = 16 * 1024;
constexpr size_t kInputChunkBytes = 1024;
// A viewer further behind than this is moved forward to the backlog.
constexpr uint64_t kLagMaxBytes = 512 * 1024;
constexpr int kInputRetryMs = 20;
constexpr uint32_t kLogEvents = IN_MODIFY | IN_MOVE_SELF;
constexpr uint64_t kBlockBytes = 4096;

uint64_t size_of(int fd) {
  struct stat status = {};
  return ::fstat(fd, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

uint64_t backlog_start(uint64_t size) {
  return size > kConsoleBacklogBytes ? size - kConsoleBacklogBytes : 0;
}

}  // namespace

struct Consoles::Viewer {
  std::string uid;
  Fd socket;
  Fd log;
  uint64_t offset = 0;  ///< in the log: what comes next
  int log_watch = -1;
  std::string input;     ///< typed, not yet taken by the guest
  bool reads = true;     ///< it may type more
  bool behind = true;    ///< the log has more, the socket has no room
  bool rotated = false;  ///< the log was moved away, a new one is in its place
  bool guest_ended = false;
};

Consoles::Consoles(Connection& connection, const Folder& folder,
                   std::function<void(const std::string& uid, const Error& why)> input_failed)
    : connection_(connection), folder_(folder), input_failed_(std::move(input_failed)) {}

Consoles::~Consoles() {
  stop();
}

Status Consoles::start() {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!epoll_ || !wake_ || !inotify_) return errno_error("prepare consoles", errno);
  for (const int fd : {wake_.get(), inotify_.get()}) {
    epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return errno_error("prepare consoles", errno);
  }
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
  return {};
}

void Consoles::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
  thread_.join();
}

void Consoles::wake() {
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);  // full means that it is awake already
}

Result<Fd> Consoles::attach(const std::string& uid) {
  auto viewer = std::make_unique<Viewer>();
  viewer->uid = uid;
  viewer->log = NC_TRY(folder_.open_file(Disks::console_log_name(uid), O_RDONLY));
  viewer->offset = backlog_start(size_of(viewer->log.get()));
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return errno_error("socketpair", errno);
  viewer->socket.reset(ends[0]);
  Fd theirs(ends[1]);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_)
      return Error{
          .code = Code::kUnavailable, .message = "the driver is stopping", .reason = "compute.driver-stopping"};
    if (viewers_count_ >= kViewersMax) {
      return Error{.code = Code::kResourceExhausted,
                   .message = "64 consoles are open on this node",
                   .reason = "compute.too-many-consoles"};
    }
    ++viewers_count_;
    arriving_.push_back(std::move(viewer));
  }
  wake();
  return theirs;
}

void Consoles::guest_ended(const std::string& uid) {
  {
    const std::lock_guard lock(mutex_);
    ended_.insert(uid);
  }
  wake();
}

void Consoles::run() {
  epoll_event events[32];
  while (true) {
    const bool typed =
        std::any_of(viewers_.begin(), viewers_.end(), [](const auto& item) { return !item.second->input.empty(); });
    const int ready = ::epoll_wait(epoll_.get(), events, 32, typed ? kInputRetryMs : -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[i].data.fd;
      if (fd == inotify_.get()) handle_log_events();
      const auto found = viewers_.find(fd);
      if (found != viewers_.end() && !serve(*found->second, events[i].events)) drop(fd);
    }
    if (!admit_new()) break;
    for (const auto& [uid, input] : inputs_)
      input->drain();  // whatever the guest printed has woken this thread by the log
    for (const auto& [fd, viewer] : viewers_) {
      if (!viewer->input.empty()) send_input(*viewer);
      arm(*viewer);
    }
  }
  const std::lock_guard lock(mutex_);
  viewers_.clear();
  arriving_.clear();
  inputs_.clear();
  viewers_count_ = 0;
}

/// Takes in what other threads left: new viewers, and guests that ended. False when it is to stop. The signal is taken
/// before what it stands for is looked at, so that none is lost.
bool Consoles::admit_new() {
  uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof count);
  std::vector<std::unique_ptr<Viewer>> arriving;
  std::set<std::string> ended;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    arriving.swap(arriving_);
    ended.swap(ended_);
  }
  for (auto& viewer : arriving) {
    const int fd = viewer->socket.get();
    epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data = {.fd = fd}};
    if (!watch(*viewer) || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
      const std::lock_guard lock(mutex_);
      --viewers_count_;
      continue;  // its socket closes: the viewer sees the end
    }
    viewers_[fd] = std::move(viewer);
  }
  std::vector<int> done;
  for (const auto& [fd, viewer] : viewers_) {
    if (!ended.contains(viewer->uid)) continue;
    viewer->guest_ended = true;
    if (!send_output(*viewer)) done.push_back(fd);
  }
  for (const int fd : done) drop(fd);
  for (const std::string& uid : ended) inputs_.erase(uid);
  return true;
}

/// Follows the log by its inode: /proc keeps the name out of it.
bool Consoles::watch(Viewer& viewer) {
  const std::string path = "/proc/self/fd/" + std::to_string(viewer.log.get());
  viewer.log_watch = ::inotify_add_watch(inotify_.get(), path.c_str(), kLogEvents | IN_MASK_ADD);
  return viewer.log_watch >= 0;
}

void Consoles::handle_log_events() {
  alignas(inotify_event) char bytes[4096];
  std::set<int> modified, moved;
  ssize_t got = 0;
  while ((got = ::read(inotify_.get(), bytes, sizeof bytes)) > 0) {
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(bytes + at);
      ((event->mask & IN_MOVE_SELF) != 0 ? moved : modified).insert(event->wd);
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
  }
  std::vector<int> done;
  for (const auto& [fd, viewer] : viewers_) {
    if (moved.contains(viewer->log_watch))
      viewer->rotated = true;
    else if (!modified.contains(viewer->log_watch))
      continue;
    if (!send_output(*viewer)) done.push_back(fd);
  }
  for (const int fd : done) drop(fd);
}

/// libvirt's log daemon has begun a new log. False when that is not there yet.
bool Consoles::follow_rotation(Viewer& viewer) {
  auto next = folder_.open_file(Disks::console_log_name(viewer.uid), O_RDONLY);
  if (!next.ok()) return false;
  viewer.log = *std::move(next);
  viewer.offset = 0;
  viewer.rotated = false;
  return watch(viewer);
}

bool Consoles::serve(Viewer& viewer, uint32_t events) {
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) return false;
  if ((events & EPOLLIN) != 0 && !take_input(viewer)) return false;
  return (events & EPOLLOUT) == 0 || send_output(viewer);
}

/// Sends what the log has until the socket is full.
bool Consoles::send_output(Viewer& viewer) {
  char bytes[kChunkBytes];
  const uint64_t size = size_of(viewer.log.get());
  if (size < viewer.offset) viewer.offset = 0;  // it was emptied
  if (size - viewer.offset > kLagMaxBytes) viewer.offset = backlog_start(size);
  while (true) {
    const ssize_t got = ::pread(viewer.log.get(), bytes, sizeof bytes, static_cast<off_t>(viewer.offset));
    if (got < 0) return false;
    viewer.behind = got > 0;
    if (got == 0 && viewer.rotated && follow_rotation(viewer)) continue;
    if (got == 0) return !viewer.guest_ended;
    const ssize_t sent = ::send(viewer.socket.get(), bytes, static_cast<size_t>(got), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (sent < 0) return false;
    viewer.offset += static_cast<uint64_t>(sent);
  }
}

bool Consoles::take_input(Viewer& viewer) {
  char bytes[kInputChunkBytes];
  const ssize_t got = ::recv(viewer.socket.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  if (got == 0) viewer.reads = false;  // it types no more, and may go on reading
  viewer.input.append(bytes, static_cast<size_t>(got));
  return true;
}

void Consoles::send_input(Viewer& viewer) {
  auto& input = inputs_[viewer.uid];
  if (!input) input = std::make_unique<ConsoleInput>(connection_, viewer.uid);
  const auto sent = input->send(viewer.input);
  if (sent.ok()) {
    viewer.input.erase(0, *sent);
  } else if (sent.code() != Code::kUnavailable) {  // else it waits for libvirtd
    viewer.input.clear();
    input_failed_(viewer.uid, sent.error());
  }
}

/// Asks for room only when there is something to send, and for input only when the last has gone on.
void Consoles::arm(Viewer& viewer) const {
  const int fd = viewer.socket.get();
  epoll_event event = {.events = 0, .data = {.fd = fd}};
  if (viewer.reads && viewer.input.empty()) event.events |= EPOLLIN;
  if (viewer.behind) event.events |= EPOLLOUT;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Consoles::drop(int fd) {
  const auto found = viewers_.find(fd);
  const std::string uid = found->second->uid;
  const int log_watch = found->second->log_watch;
  viewers_.erase(found);
  const auto shares = [&](const auto& item) { return item.second->log_watch == log_watch; };
  if (std::none_of(viewers_.begin(), viewers_.end(), shares)) ::inotify_rm_watch(inotify_.get(), log_watch);
  const auto views = [&](const auto& item) { return item.second->uid == uid; };
  if (std::none_of(viewers_.begin(), viewers_.end(), views)) inputs_.erase(uid);
  const std::lock_guard lock(mutex_);
  --viewers_count_;
}

void Consoles::trim_log(const std::string& uid) {
  const auto log = folder_.open_file(Disks::console_log_name(uid), O_RDWR);
  if (!log.ok()) return;
  struct stat status = {};
  if (::fstat(log->get(), &status) != 0 || static_cast<uint64_t>(status.st_blocks) * 512 <= kConsoleLogMaxBytes) return;
  const uint64_t freed = backlog_start(static_cast<uint64_t>(status.st_size)) / kBlockBytes * kBlockBytes;
  // The file keeps its length, so that viewers keep their places.
  if (::fallocate(log->get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(freed)) != 0) {
    (void)!::ftruncate(log->get(), 0);  // a file system without holes
  }
}

}  // namespace novacron::kvm
