// A guest's process: how it starts, what it says, and how it ends.
#include "host/sandbox/guest_table.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <future>
#include <system_error>

#include "host/base/clock.h"
#include "host/base/log.h"

namespace novacron::host::sandbox {
namespace {

constexpr size_t kMaxFramesAtOnce = 64;  ///< before the other descriptors are looked at again
constexpr int kMsPerSecond = 1'000;
constexpr int kCreditMs = kCreditEveryNs / 1'000'000;

/// Both ends of a socket or pipe, closed by exec.
Result<std::pair<Fd, Fd>> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno_error("socketpair", errno);
  return std::make_pair(Fd(ends[0]), Fd(ends[1]));
}

Result<std::pair<Fd, Fd>> output_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe", errno);
  std::pair<Fd, Fd> made{Fd(ends[0]), Fd(ends[1])};
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return errno_error("pipe", errno);
  return made;
}

}  // namespace

Guest::Guest(Options options) : options_(std::move(options)) {}

Guest::~Guest() {
  close();
}

Result<std::shared_ptr<Guest>> Guest::launch(Options options) {
  std::shared_ptr<Guest> guest(new Guest(std::move(options)));
  TRY_STATUS(guest->begin());
  return guest;
}

Status Guest::begin() {
  auto sockets = TRY(socket_pair());
  auto output = TRY(output_pipe());
  channel_ = TRY(Channel::create(std::move(sockets.first)));
  output_ = std::move(output.first);
  auto started = std::make_shared<std::promise<Status>>();
  auto result = started->get_future();
  try {
    thread_ =
        std::thread([this, started, socket = std::move(sockets.second), out = std::move(output.second)]() mutable {
          pthread_setname_np(pthread_self(), "nc-sandbox");
          const Status status = start_process(std::move(socket), std::move(out));
          const bool runs = status.ok();
          started->set_value(status);
          started = nullptr;
          if (runs) serve();
        });
  } catch (const std::system_error& error) {
    return Error{Code::kResourceExhausted, std::string("no thread for a sandbox: ") + error.what(), "host.threads"};
  }
  return result.get();
}

Status Guest::start_process(Fd socket, Fd output) {
  Process::Options wanted;
  wanted.program = options_.program;
  wanted.namespaces = wanted_namespaces(options_.isolation);
  wanted.socket = socket.get();
  wanted.output = output.get();
  auto started = Process::start(wanted);
  if (!started.ok()) {
    // What is lacking is told by who asks for it; a kernel, or what runs this host, may have none of them.
    log_warn("sandbox", "no namespaces", {{"plugin", options_.plugin}, {"why", started.error().message}});
    wanted.namespaces = {};
    started = Process::start(wanted);
  }
  auto process = TRY(std::move(started));
  options_.isolation.have |= layers_of(wanted.namespaces);
  limit(process->pid());
  std::lock_guard lock(mutex_);
  process_ = std::move(process);
  return {};
}

/// Before it is told what to isolate, and so before any code of the plugin.
void Guest::limit(pid_t process) {
  const Isolation& wanted = options_.isolation;
  const auto roots = find_cgroups();
  if (!roots) return;
  auto group = Cgroup::make(*roots, options_.plugin + '-' + std::to_string(process),
                            {wanted.memory_bytes, wanted.threads, wanted.cpu_percent});
  const Status added = group.ok() ? (*group)->add(process) : Status(group.error());
  if (!added.ok()) {
    return log_warn("sandbox", "no cgroup", {{"plugin", options_.plugin}, {"why", added.error().message}});
  }
  cgroup_ = std::move(*group);
  options_.isolation.have |= static_cast<uint32_t>(Layer::kCgroup);
}

void Guest::serve() {
  pulse_.begin(system_clock().monotonic_ns());
  std::string why;
  while (why.empty()) {
    std::array<pollfd, 4> polled{{{channel_->socket(), POLLIN, 0},
                                  {channel_->wake(), POLLIN, 0},
                                  {process_->pidfd(), POLLIN, 0},
                                  {output_.get(), POLLIN, 0}}};
    if (channel_->waiting()) polled[0].events |= POLLOUT;
    const int timeout_ms = log_lines_ > 0 ? kCreditMs : kMsPerSecond;
    if (::poll(polled.data(), polled.size(), timeout_ms) < 0 && errno != EINTR) why = "poll failed";
    if (polled[3].revents != 0) read_output();
    if ((polled[0].revents & POLLOUT) != 0 || polled[1].revents != 0) (void)channel_->flush();
    if (polled[0].revents != 0) why = receive_all();
    if (polled[2].revents != 0 && why.empty()) break;
    if (why.empty()) why = check_pulse();
  }
  finish_off(why);
}

/// Why it must end; nothing: it goes on.
std::string Guest::receive_all() {
  for (size_t i = 0; i < kMaxFramesAtOnce; ++i) {
    auto frame = channel_->receive();
    if (frame.code() == Code::kDeadlineExceeded) return {};
    if (frame.code() == Code::kUnavailable) return has_ended() ? "" : "its socket is closed";
    if (!frame.ok()) return frame.error().message;
    const std::string broken = dispatch(std::move(frame).value());
    if (!broken.empty()) return broken;
  }
  return {};
}

/// A process that ends closes its socket a moment earlier.
bool Guest::has_ended() const {
  pollfd polled{process_->pidfd(), POLLIN, 0};
  return ::poll(&polled, 1, kMsPerSecond) > 0;
}

std::string Guest::dispatch(Frame frame) {
  switch (frame.kind) {
    case Kind::kReturn:
      return take_first_answer(std::move(frame));
    case Kind::kAsk:
      return (frame.lane & kOwnThreadLane) != 0 ? answer_own(std::move(frame)) : "it asked of a lane beside its socket";
    case Kind::kLog:
      return take_log(frame);
    case Kind::kPong:
      pulse_.came(system_clock().monotonic_ns());
      return {};
    default:
      return "it sent a frame that is the host's to send";
  }
}

std::string Guest::take_first_answer(Frame frame) {
  std::lock_guard lock(mutex_);
  if (first_answer_) return "it returned what nobody entered";
  first_answer_ = std::make_unique<Frame>(std::move(frame));
  changed_.notify_all();
  return {};
}

std::string Guest::check_pulse() {
  const uint64_t now_ns = system_clock().monotonic_ns();
  if (pulse_.due(now_ns)) (void)channel_->send({Kind::kPing});
  if (log_lines_ > 0 && now_ns > credited_ns_ + kCreditEveryNs) {
    credited_ns_ = now_ns;
    (void)channel_->send({Kind::kCredit, std::exchange(log_lines_, 0)});
  }
  if (pulse_.lost(now_ns)) return "it does not answer heartbeats";
  return check_lanes(now_ns);
}

void Guest::read_output() {
  char bytes[4'096];
  const ssize_t size = ::read(output_.get(), bytes, sizeof(bytes));
  if (size <= 0) {
    if (size == 0 || errno != EAGAIN) output_.reset();  // poll ignores what is closed
    return;
  }
  std::lock_guard lock(mutex_);
  last_words_.add({bytes, static_cast<size_t>(size)});
}

/// `why` empty: it has ended by itself.
void Guest::finish_off(const std::string& why) {
  std::unique_ptr<Process> process;
  std::unique_ptr<Gatekeeper> gatekeeper;
  process_->kill();
  const Ending ending = process_->reap();
  cgroup_ = nullptr;
  if (output_) read_output();
  bool expected = false;
  Death death{.how = {}, .signal = ending.signal, .exit_status = ending.status, .last_lines = {}};
  {
    std::lock_guard lock(mutex_);
    process.swap(process_);
    gatekeeper.swap(gatekeeper_);
    dead_ = true;
    expected = expected_;
    const bool by_us = !why.empty() && ending.signal == SIGKILL;
    if (why_.empty()) why_ = by_us ? why : ending.text();
    death.how = why_;
    death.last_lines = last_words_.lines();
    // Its ends may have been passed on to others, so their closing is not waited for.
    for (const auto& lane : lanes_) lane->socket.shut();
    changed_.notify_all();
  }
  if (!expected && options_.on_death) options_.on_death(std::move(death));
}

void Guest::kill(std::string why) {
  std::lock_guard lock(mutex_);
  if (dead_) return;
  if (why_.empty()) why_ = std::move(why);
  if (process_) process_->kill();
}

void Guest::close() {
  {
    std::lock_guard lock(mutex_);
    expected_ = true;
    if (why_.empty()) why_ = "it is disabled";
    if (process_) process_->kill();
  }
  if (thread_.joinable()) thread_.join();
}

void Guest::owned_by(std::weak_ptr<void> owner) {
  owner_ = std::move(owner);
}

bool Guest::dead() const {
  std::lock_guard lock(mutex_);
  return dead_;
}

pid_t Guest::pid() const {
  std::lock_guard lock(mutex_);
  return process_ ? process_->pid() : 0;
}

Usage Guest::usage() const {
  std::lock_guard lock(mutex_);
  return process_ ? process_->usage() : Usage{};
}

std::string Guest::why_dead() const {
  std::lock_guard lock(mutex_);
  return why_;
}

void Guest::note_line(std::string_view line) {
  std::lock_guard lock(mutex_);
  last_words_.add_line(line);
}

void Guest::note_cancelled(nc_call call) {
  (void)channel_->send({Kind::kCancel, call});
}

}  // namespace novacron::host::sandbox
