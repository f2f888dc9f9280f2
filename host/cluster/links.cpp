#include "host/cluster/links.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "host/base/log.h"

namespace novacron::host::cluster {
namespace {

constexpr std::string_view kComponent = "cluster";

void block_broken_pipe() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

Links::Links(Options options, ContextPtr context, Fd listener, Fd stop_read, Fd stop_write)
    : options_(std::move(options)),
      context_(std::move(context)),
      listener_(std::move(listener)),
      stop_read_(std::move(stop_read)),
      stop_write_(std::move(stop_write)) {}

Result<std::unique_ptr<Links>> Links::create(Options options) {
  ContextPtr context = TRY(make_context(options.files));
  Fd listener = TRY(listen_on(options.listen));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("make a pipe", errno);
  Fd stop_read(ends[0]);
  Fd stop_write(ends[1]);
  return std::unique_ptr<Links>(new Links(std::move(options), std::move(context), std::move(listener),
                                          std::move(stop_read), std::move(stop_write)));
}

Links::~Links() {
  stop();
}

void Links::start(Receive receive) {
  receive_ = std::move(receive);
  make_senders();
  accepting_ = std::thread([this] { accept_main(); });
}

void Links::make_senders() {
  std::lock_guard lock(mutex_);
  for (const auto& [node, address] : options_.addresses) {
    if (node == options_.node) continue;
    for (const raft::Lane lane : {raft::Lane::kControl, raft::Lane::kBulk}) {
      const Greeting greeting{lane, options_.node, node, options_.cluster};
      senders_.emplace(std::pair(node, lane), std::make_unique<Sender>(*context_, address, greeting));
    }
  }
}

void Links::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    senders_.clear();
    for (Incoming& incoming : incoming_)
      if (incoming.socket != nullptr) incoming.socket->shut();
  }
  stop_write_.reset();
  if (accepting_.joinable()) accepting_.join();
  for (Incoming& incoming : incoming_)
    if (incoming.thread.joinable()) incoming.thread.join();
  incoming_.clear();
}

void Links::send(raft::NodeId to, raft::Lane lane, std::string frame) {
  std::lock_guard lock(mutex_);
  const auto sender = senders_.find({to, lane});
  if (sender != senders_.end()) sender->second->send(std::move(frame));
}

void Links::accept_main() {
  pthread_setname_np(pthread_self(), "nc-link-accept");
  while (true) {
    std::array<pollfd, 2> waiting{{{listener_.get(), POLLIN, 0}, {stop_read_.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket) take_in(std::move(socket));
  }
}

void Links::take_in(Fd socket) {
  forget_ended();
  std::lock_guard lock(mutex_);
  if (stopping_) return;
  if (incoming_.size() >= kMaxIncoming) return log_warn(kComponent, "too many connections from other nodes");
  Incoming& incoming = incoming_.emplace_back();
  incoming.thread = std::thread([this, &incoming, fd = socket.release()]() mutable { serve(Fd(fd), incoming); });
}

void Links::forget_ended() {
  std::list<Incoming> ended;
  std::lock_guard lock(mutex_);
  for (auto incoming = incoming_.begin(); incoming != incoming_.end();) {
    const auto next = std::next(incoming);
    if (incoming->is_over) ended.splice(ended.end(), incoming_, incoming);
    incoming = next;
  }
  for (Incoming& incoming : ended) incoming.thread.join();
}

void Links::serve(Fd fd, Incoming& incoming) {
  pthread_setname_np(pthread_self(), "nc-link-in");
  block_broken_pipe();
  auto socket = TlsSocket::open(*context_, std::move(fd), TlsSocket::End::kServer, 0);
  if (socket.ok()) {
    {
      std::lock_guard lock(mutex_);
      incoming.socket = socket->get();
      if (stopping_) (*socket)->shut();
    }
    const Status heard = hear(**socket);
    if (heard.code() != Code::kUnavailable)
      log_warn(kComponent, "a connection was turned away", {{"why", heard.error().message}});
  } else {
    log_warn(kComponent, "a connection was turned away", {{"why", socket.error().message}});
  }
  std::lock_guard lock(mutex_);
  incoming.socket = nullptr;
  incoming.is_over = true;
}

/// Until it ends or is wrong.
Status Links::hear(TlsSocket& socket) {
  FrameReader reader;
  raft::NodeId from = 0;
  while (true) {
    reader.feed(TRY(socket.read()));
    for (auto frame = TRY(reader.next()); frame; frame = TRY(reader.next())) {
      if (from != 0) {
        receive_(from, *std::move(frame));
        continue;
      }
      from = TRY(check_greeting(socket, *frame)).from;
      socket.wait_without_limit();
    }
  }
}

Result<Greeting> Links::check_greeting(const TlsSocket& socket, const std::string& frame) const {
  Greeting greeting = TRY(decode_greeting(frame));
  const std::string name = "node " + std::to_string(greeting.from);
  if (greeting.cluster != options_.cluster)
    return Error{Code::kFailedPrecondition, name + " belongs to the cluster \"" + greeting.cluster + "\"",
                 "link.cluster"};
  if (greeting.to != options_.node)
    return Error{Code::kFailedPrecondition, name + " takes this for node " + std::to_string(greeting.to),
                 "link.address"};
  if (socket.is(greeting.from)) return greeting;
  return Error{Code::kUnauthenticated, "who says to be " + name + " has the certificate of another", "link.peer"};
}

}  // namespace novacron::host::cluster
