#include "host/api/session.h"

#include <chrono>

namespace novacron::host::api {
namespace {

/// Beyond a whole head: a body's piece, and what chunks have around it.
constexpr size_t kReadAheadBytes = 128 * 1024;

std::chrono::milliseconds milliseconds(uint64_t count) {
  return std::chrono::milliseconds(static_cast<int64_t>(count));
}

}  // namespace

void Watchdog::arm(uint64_t timeout_ms) {
  state_->fired = false;
  const uint64_t generation = ++state_->generation;
  timer_.expires_after(milliseconds(timeout_ms));
  timer_.async_wait([this, generation, weak = std::weak_ptr(state_)](ErrorCode failure) {
    const auto state = weak.lock();
    if (failure || !state || state->generation != generation) return;
    state->fired = true;
    ErrorCode ignored;
    socket_.cancel(ignored);
  });
}

void Watchdog::disarm() {
  ++state_->generation;
  timer_.cancel();
}

Shared::Shared(const Limits& allowed, Application& served, WorkerPool& pool)
    : limits(allowed),
      application(served),
      lane(std::make_unique<Lane>(pool, Lane::Options{"api", allowed.running_requests, allowed.queued_requests})),
      uploads(std::make_unique<Lane>(pool, Lane::Options{"api.uploads", allowed.uploads, allowed.uploads})) {}

void Shared::add(const std::shared_ptr<Session>& session) {
  std::lock_guard lock(mutex_);
  sessions_.emplace(session.get(), session);
}

void Shared::remove(const Session* session) {
  std::lock_guard lock(mutex_);
  sessions_.erase(session);
  gone_.notify_all();
}

std::vector<std::shared_ptr<Session>> Shared::sessions() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Session>> alive;
  for (const auto& [key, session] : sessions_) {
    if (auto held = session.lock()) alive.push_back(std::move(held));
  }
  return alive;
}

size_t Shared::count() const {
  std::lock_guard lock(mutex_);
  return sessions_.size();
}

bool Shared::wait_until_empty(uint64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return gone_.wait_for(lock, milliseconds(timeout_ms), [&] { return sessions_.empty(); });
}

Session::Session(Socket socket, asio::ssl::context* tls, auth::Peer who, std::shared_ptr<Shared> common)
    : transport(std::move(socket), tls),
      watchdog(transport.socket()),
      buffer(common->limits.header_bytes + kReadAheadBytes),
      peer(std::move(who)),
      shared(std::move(common)),
      wake_(transport.get_executor()) {}

Session::~Session() {
  shared->remove(this);
}

void Session::when_draining(std::function<void()> end) {
  on_drain = std::move(end);
  if (shared->draining) on_drain();
}

void Session::drain() {
  asio::post(transport.get_executor(), [self = shared_from_this()] {
    if (self->on_drain) return self->on_drain();
    if (self->idle) self->transport.close();
  });
}

void Session::kill() {
  asio::post(transport.get_executor(), [self = shared_from_this()] {
    self->transport.close();
    self->notify();
  });
}

asio::awaitable<void> Session::wait(uint64_t timeout_ms) {
  if (!notified_) {
    wake_.expires_after(milliseconds(timeout_ms));
    co_await wake_.async_wait(kAwait);
  }
  notified_ = false;
}

void Session::notify() {
  notified_ = true;
  wake_.cancel();
}

asio::awaitable<bool> write_to_plugin(Session& session, StreamSocket& plugin, const std::string& bytes) {
  asio::steady_timer patience(session.transport.get_executor());
  for (size_t written = 0; written < bytes.size();) {
    const auto waits = std::make_shared<bool>(true);  // a timer that fires just then outlives this
    patience.expires_after(milliseconds(session.shared->limits.write_ms));
    patience.async_wait([&plugin, waits](ErrorCode cancelled) {
      ErrorCode ignored;
      if (!cancelled && *waits) plugin.shutdown(StreamSocket::shutdown_both, ignored);
    });
    const auto rest = asio::buffer(bytes.data() + written, bytes.size() - written);
    auto [broken, size] = co_await plugin.async_write_some(rest, kAwait);
    *waits = false;
    if (broken) co_return false;
    written += size;
  }
  co_return true;
}

}  // namespace novacron::host::api
