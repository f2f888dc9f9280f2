// The connection to libvirtd: opened, watched, and opened again when it breaks.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "novacron/result.h"

struct _virConnect;

namespace novacron::kvm {

/// UNAVAILABLE "compute.engine-unreachable": libvirtd is not there now, and is being looked for.
Error unreachable(const std::string& message);

/// Told of what happens, one call at a time, on the connection's own thread. It may call libvirt.
class ConnectionObserver {
 public:
  virtual ~ConnectionObserver() = default;
  /// The connection is there, the first time or again: whatever was known may have changed meanwhile.
  virtual void connected() = 0;
  virtual void disconnected(const Error& why) = 0;
  /// A domain was defined, started, paused, stopped, … Several changes may come as one.
  virtual void guest_changed(const std::string& uid) = 0;
  /// About every 30 seconds, for housekeeping.
  virtual void tick() = 0;
};

/// libvirt's event loop on one thread, connecting and delivering on another. libvirt's loop belongs to the process: one
/// Connection a process at a time runs it; while an upgrade has two of them, either serves both.
class Connection {
 public:
  Connection(std::string uri, ConnectionObserver& observer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  /// Idempotent; joins both threads. No observer is called after it.
  void stop();

  /// [any] The open connection; calls on it may fail when it breaks. Shared: a call keeps what it began with until it
  /// ends.
  Result<std::shared_ptr<_virConnect>> get() const;
  const std::string& uri() const { return uri_; }

 private:
  struct Signals;
  class EventLoop;

  void run(const std::stop_token& stopping);
  bool connect();
  bool watch(_virConnect* connection);
  void disconnect();
  void wait_and_deliver(const std::stop_token& stopping);

  const std::string uri_;
  ConnectionObserver& observer_;
  std::shared_ptr<Signals> signals_;  // shared with libvirt's callbacks, of which one may still run when this is gone
  mutable std::mutex mutex_;          // guards the two below
  std::shared_ptr<_virConnect> connection_;
  std::string last_error_ = "not connected yet";
  int event_callback_ = -1;  // the connection's thread only
  std::chrono::steady_clock::time_point next_tick_;
  std::unique_ptr<EventLoop> loop_;
  std::jthread thread_;
};

}  // namespace novacron::kvm
