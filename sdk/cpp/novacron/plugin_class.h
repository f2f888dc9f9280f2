// What a plugin derives from. entry.h turns the class into the plugin that the host sees.
//
// The order of calls: construct → configure → start | restore → … → quiesce → resume | stop → destroy. A call holds the
// plugin's slot unless its method is CONCURRENT or the plugin REENTRANT: without these two, nothing of the plugin runs
// beside anything else, and it needs no lock.
#pragma once

#include <string_view>

#include "novacron/service.h"

namespace novacron {

/// Where a quiesced plugin leaves its state for its successor: messages, in order.
class StateSink {
 public:
  explicit StateSink(Channel channel) : channel_(channel) {}
  template <Message M>
  Status write(const M& message, Fds fds = {}) {
    NC_TRY_STATUS(check_fds(fds));
    Outgoing out(encode(message), std::move(fds));
    return channel_.write(out);
  }

 private:
  Channel channel_;
};

/// The messages that its predecessor left.
class StateSource {
 public:
  explicit StateSource(Channel channel) : channel_(channel) {}
  /// Nothing at the end.
  template <Message M>
  Result<std::optional<M>> next(Fds* fds = nullptr) {
    auto read = channel_.read();
    if (!read.ok()) return std::move(read).error();
    if (!read->has_value()) return std::optional<M>();
    if (fds != nullptr) *fds = (*read)->take_fds();
    auto message = decode<M>((*read)->body());
    if (!message.ok()) return std::move(message).error();
    return std::optional<M>(*std::move(message));
  }

 private:
  Channel channel_;
};

/// Derive, override what is needed. The class is default-constructible, or takes a Host&.
///
/// Typed configuration: `using Config = SomeMessage;` and `Status configure(const Config&)`, called once before start()
/// and at each change; a failure leaves the old configuration in force.
class Plugin {
 public:
  /// Redeclare it in the plugin's class for NC_PLUGIN_REENTRANT or NC_PLUGIN_SANDBOX_ONLY.
  static constexpr uint32_t kFlags = 0;

  virtual ~Plugin() = default;

  /// Ready to serve when it returns.
  virtual Status start() { return {}; }
  /// [any] thread, also beside a stuck worker: look, do not wait.
  virtual Status health() { return {}; }
  /// Stop starting things; leave what the successor must know. Informers and reconcilers have been stopped.
  virtual Status quiesce(StateSink&) { return {}; }
  /// The successor failed: go on.
  virtual Status resume() { return start(); }
  /// Instead of start(). FAILED_PRECONDITION: not understood, a fresh instance is started.
  virtual Status restore(std::string_view from_version, StateSource&) {
    return Error{.code = Code::kFailedPrecondition,
                 .message = "no state is taken over from " + std::string(from_version)};
  }
  /// The last call. Own threads end here or in the destructor.
  virtual void stop() {}

  /// Not in the constructor: a constructor that needs it takes a Host&.
  Host& host() const { return *host_; }
  /// Of the lifecycle call under way, on the clock of Host::now_ns().
  uint64_t control_deadline_ns() const { return control_deadline_ns_; }

  // For entry.h.
  void attach(Host& host) { host_ = &host; }
  void set_control_deadline_ns(uint64_t deadline_ns) { control_deadline_ns_ = deadline_ns; }

 private:
  Host* host_ = nullptr;
  uint64_t control_deadline_ns_ = 0;
};

template <class... S>
struct ServiceList {};

/// A plugin that offers services: `class Kvm final : public Provides<DriverService, VirtualMachineActionsService>`. The
/// order is that of "services" in plugin.json.
template <class... S>
class Provides : public Plugin, public S... {
 public:
  using Services = ServiceList<S...>;
};

}  // namespace novacron
