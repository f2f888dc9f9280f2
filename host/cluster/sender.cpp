#include "host/cluster/sender.h"

#include <signal.h>

#include <algorithm>
#include <chrono>

#include "host/base/log.h"

namespace novacron::host::cluster {
namespace {

constexpr size_t kBatchBytes = 256 * 1'024;  // of one write
constexpr std::string_view kComponent = "cluster";

}  // namespace

Sender::Sender(SSL_CTX& context, std::string address, Greeting greeting)
    : context_(context),
      address_(std::move(address)),
      greeting_(std::move(greeting)),
      thread_([this] { thread_main(); }) {}

Sender::~Sender() {
  stop();
}

void Sender::send(std::string frame) {
  std::lock_guard lock(mutex_);
  if (!is_connected_ || queue_.size() >= kMaxQueuedFrames || queued_bytes_ + frame.size() > kMaxQueuedBytes) return;
  queued_bytes_ += frame.size();
  queue_.push_back(std::move(frame));
  if (queue_.size() == 1) wake_.notify_one();
}

void Sender::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (socket_ != nullptr) socket_->shut();
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Sender::thread_main() {
  pthread_setname_np(pthread_self(), "nc-link-out");
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);  // said by errno
  do {
    auto socket = connect();
    if (socket.ok()) {
      write_queue(**socket);
      set_socket(nullptr);
    } else if (!std::exchange(is_said_, true)) {
      log_warn(kComponent, "no way to a node",
               {{"node", greeting_.to}, {"address", address_}, {"why", socket.error().message}});
    }
  } while (wait_before_retry());
}

Result<std::unique_ptr<TlsSocket>> Sender::connect() {
  Fd connected = TRY(connect_to(address_));
  auto socket = TRY(TlsSocket::open(context_, std::move(connected), TlsSocket::End::kClient, greeting_.to));
  std::string greeting;
  encode_frame(encode_greeting(greeting_), greeting);
  TRY_STATUS(socket->write(greeting));
  set_socket(socket.get());
  return socket;
}

/// False: it is over.
bool Sender::wait_before_retry() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::milliseconds(retry_ms_), [this] { return stopping_; });
  retry_ms_ = std::min(2 * retry_ms_, kLongestRetryMs);
  return !stopping_;
}

void Sender::set_socket(TlsSocket* socket) {
  std::lock_guard lock(mutex_);
  socket_ = socket;
  is_connected_ = socket != nullptr;
  queue_.clear();
  queued_bytes_ = 0;
  if (socket != nullptr && stopping_) socket->shut();
}

/// Until it breaks or ends.
void Sender::write_queue(TlsSocket& socket) {
  log_info(kComponent, "way to a node", {{"node", greeting_.to}, {"lane", static_cast<int>(greeting_.lane)}});
  is_said_ = false;
  std::string batch;
  while (take(batch)) {
    if (!socket.write(batch).ok()) return;
    retry_ms_ = kFirstRetryMs;
  }
}

/// As many frames as one write should have.
bool Sender::take(std::string& batch) {
  batch.clear();
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  if (stopping_) return false;
  for (; !queue_.empty() && batch.size() < kBatchBytes; queue_.pop_front()) {
    queued_bytes_ -= queue_.front().size();
    encode_frame(queue_.front(), batch);
  }
  return true;
}

}  // namespace novacron::host::cluster
