#include "connection.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <set>
#include <utility>

#include "domain.h"

namespace novacron::kvm {
namespace {

using namespace std::chrono_literals;

constexpr auto kWakeEvery = 10ms, kRoundMax = 2000ms;
constexpr auto kBackoffMin = 100ms, kBackoffMax = 5000ms, kTick = 30'000ms;
constexpr uint64_t kRetryAfterNs = 1'000'000'000;
// A libvirtd that does not answer for so long counts as lost, and calls to it fail.
constexpr int kKeepAliveInterval_s = 5;
constexpr unsigned kKeepAliveCount = 3;

/// Once in the process: libvirt's loop, its locks, and silence on standard error.
void initialise_libvirt() {
  static std::once_flag once;
  std::call_once(once, [] {
    virInitialize();
    virEventRegisterDefaultImpl();
    virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
  });
}

}  // namespace

Error unreachable(const std::string& message) {
  return Error{.code = Code::kUnavailable,
               .message = message,
               .reason = "compute.engine-unreachable",
               .retry_after_ns = kRetryAfterNs};
}

/// Runs libvirt's event loop until it is destroyed. A timer that is made due wakes it. The loop is the process's own,
/// so another instance's thread may be the one that does a round.
class Connection::EventLoop {
 public:
  EventLoop() {
    wake_timer_ = virEventAddTimeout(
        -1, [](int timer, void*) { virEventUpdateTimeout(timer, -1); }, nullptr, nullptr);
    thread_ = std::thread([this] { run(); });
  }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop() {
    // What a closed connection has left is freed by rounds to come: first its handles, then what they kept.
    wait_for_round();
    wait_for_round();
    stop();
    virEventRemoveTimeout(wake_timer_);
  }

 private:
  struct Round {
    std::mutex mutex;
    std::condition_variable wake;
    bool is_over = false;
  };
  using RoundHandle = std::shared_ptr<Round>;

  static void end_round(void* handle) {
    const std::unique_ptr<RoundHandle> round(static_cast<RoundHandle*>(handle));
    const std::lock_guard lock((*round)->mutex);
    (*round)->is_over = true;
    (*round)->wake.notify_all();
  }

  /// Until the loop has freed what was removed from it before: it does so in order.
  static void wait_for_round() {
    const auto round = std::make_shared<Round>();
    auto handle = std::make_unique<RoundHandle>(round);
    const int timer = virEventAddTimeout(
        -1, [](int, void*) {}, handle.get(), &end_round);
    if (timer < 0) return;
    (void)handle.release();  // end_round() has it
    virEventRemoveTimeout(timer);
    std::unique_lock lock(round->mutex);
    round->wake.wait_for(lock, kRoundMax, [&round] { return round->is_over; });
  }

  void run() {
    while (!stopping_) {
      if (virEventRunDefaultImpl() < 0) std::this_thread::sleep_for(kBackoffMin);
    }
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    ended_.notify_all();
  }

  /// Wakes the loop until its thread has ended: another thread may have taken the first call.
  void stop() {
    stopping_ = true;
    std::unique_lock lock(mutex_);
    do {
      virEventUpdateTimeout(wake_timer_, 0);
    } while (!ended_.wait_for(lock, kWakeEvery, [this] { return has_ended_; }));
    lock.unlock();
    thread_.join();
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  bool has_ended_ = false;
  std::atomic<bool> stopping_ = false;
  int wake_timer_ = -1;
  std::thread thread_;
};

/// What libvirt's callbacks leave for the connection's thread. They run on the event loop and must not wait.
struct Connection::Signals {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::set<std::string> changed;  // uids; bounded by the number of domains
  bool lost = false;

  using Handle = std::shared_ptr<Signals>;

  static void lifecycle(virConnectPtr, virDomainPtr domain, int, int, void* handle) {
    const auto& signals = *static_cast<Handle*>(handle);
    const std::lock_guard lock(signals->mutex);
    signals->changed.insert(uid_of(domain));
    signals->wake.notify_all();
  }
  static void closed(virConnectPtr, int, void* handle) {
    const auto& signals = *static_cast<Handle*>(handle);
    const std::lock_guard lock(signals->mutex);
    signals->lost = true;
    signals->wake.notify_all();
  }
  static void release(void* handle) { delete static_cast<Handle*>(handle); }
};

Connection::Connection(std::string uri, ConnectionObserver& observer)
    : uri_(std::move(uri)), observer_(observer), signals_(std::make_shared<Signals>()) {}

Connection::~Connection() {
  stop();
}

void Connection::start() {
  initialise_libvirt();
  next_tick_ = std::chrono::steady_clock::now() + kTick;
  loop_ = std::make_unique<EventLoop>();
  thread_ = std::jthread([this](const std::stop_token& stopping) { run(stopping); });
}

void Connection::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  disconnect();
  loop_.reset();
}

Result<std::shared_ptr<_virConnect>> Connection::get() const {
  const std::lock_guard lock(mutex_);
  if (connection_) return connection_;
  return unreachable("libvirt at " + uri_ + " cannot be reached: " + last_error_);
}

void Connection::run(const std::stop_token& stopping) {
  auto backoff = kBackoffMin;
  while (!stopping.stop_requested()) {
    if (connect()) {
      backoff = kBackoffMin;
      observer_.connected();
      wait_and_deliver(stopping);
      continue;
    }
    std::unique_lock lock(signals_->mutex);
    signals_->wake.wait_for(lock, stopping, backoff, [] { return false; });
    backoff = std::min(backoff * 2, kBackoffMax);
  }
}

/// Returns when the connection is lost or the thread is to stop.
void Connection::wait_and_deliver(const std::stop_token& stopping) {
  bool lost = false;
  while (!lost && !stopping.stop_requested()) {
    std::set<std::string> changed;
    {
      std::unique_lock lock(signals_->mutex);
      signals_->wake.wait_until(lock, stopping, next_tick_,
                                [this] { return signals_->lost || !signals_->changed.empty(); });
      changed.swap(signals_->changed);
      lost = signals_->lost;
    }
    if (lost) break;
    for (const std::string& uid : changed) observer_.guest_changed(uid);
    if (std::chrono::steady_clock::now() < next_tick_) continue;
    next_tick_ += kTick;
    observer_.tick();
  }
  disconnect();
  if (lost) observer_.disconnected(unreachable("libvirtd at " + uri_ + " has closed the connection"));
}

bool Connection::connect() {
  std::shared_ptr<virConnect> opened(virConnectOpen(uri_.c_str()), [](virConnectPtr c) {
    if (c != nullptr) virConnectClose(c);
  });
  if (!opened || !watch(opened.get())) {
    const virError* last = virGetLastError();
    const std::lock_guard lock(mutex_);
    last_error_ = last != nullptr && last->message != nullptr ? last->message : "no reason given";
    return false;
  }
  const std::lock_guard lock(mutex_);
  last_error_ = "the connection broke";
  connection_ = std::move(opened);
  return true;
}

/// Events come from here on, so that whatever changes after the list that follows is seen.
bool Connection::watch(virConnectPtr connection) {
  signals_ = std::make_shared<Signals>();  // what the last connection still says is not about this one
  virConnectSetKeepAlive(connection, kKeepAliveInterval_s, kKeepAliveCount);
  auto for_events = std::make_unique<Signals::Handle>(signals_),
       for_close = std::make_unique<Signals::Handle>(signals_);
  event_callback_ = virConnectDomainEventRegisterAny(connection, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                                     VIR_DOMAIN_EVENT_CALLBACK(&Signals::lifecycle), for_events.get(),
                                                     &Signals::release);
  if (event_callback_ < 0) return false;
  (void)for_events.release();  // libvirt releases it
  if (virConnectRegisterCloseCallback(connection, &Signals::closed, for_close.get(), &Signals::release) != 0)
    return false;
  (void)for_close.release();
  return true;
}

void Connection::disconnect() {
  std::shared_ptr<virConnect> closing;
  {
    const std::lock_guard lock(mutex_);
    closing = std::exchange(connection_, nullptr);
  }
  if (!closing) return;
  virConnectUnregisterCloseCallback(closing.get(), &Signals::closed);
  virConnectDomainEventDeregisterAny(closing.get(), event_callback_);
}

}  // namespace novacron::kvm
