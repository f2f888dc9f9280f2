// A world with actions: what stands for the plugins answers as it is told.
#pragma once

#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "host/base/timer_queue.h"
#include "host/resource/actions.h"
#include "host/resource/testing/world.h"

namespace novacron::host::resource::testing {

inline constexpr uint64_t kPatienceNs = 20'000'000'000;

/// Stands for the broker: answers each call as it is told, or holds it until it is cancelled.
class FakeCaller final : public plugin::Caller {
 public:
  struct Seen {
    std::string method;
    std::string body;
    std::string key;
    std::string principal;
    auth::ContextPtr context;
  };

  Result<plugin::Message> call(std::string_view service, std::string_view method, const plugin::Target& target,
                               plugin::Message request, const plugin::CallOptions& options) override {
    return open(service, method, target, std::move(request), options)->wait();
  }
  std::unique_ptr<plugin::ClientCall> open(std::string_view service, std::string_view method, const plugin::Target&,
                                           plugin::Message request, const plugin::CallOptions& options) override {
    const std::lock_guard lock(mutex_);
    seen_.push_back({std::string(service) + "/" + std::string(method), request.body, options.idempotency_key,
                     options.context->identity.principal, options.context});
    changed_.notify_all();
    return std::make_unique<Call>(*this);
  }
  void call_async(std::string_view, std::string_view, const plugin::Target&, plugin::Message,
                  const plugin::CallOptions&, std::function<void(Result<plugin::Message>)>) override {
    FAIL("nobody calls this");
  }

  /// All calls from now on end so; none: they wait.
  void answer(std::optional<Error> error, std::string body = "") {
    const std::lock_guard lock(mutex_);
    holds_ = false;
    error_ = std::move(error);
    body_ = std::move(body);
    changed_.notify_all();
  }
  /// The calls that end next end so, one each; then it is as it was.
  void answer_first(std::deque<Error> errors) {
    const std::lock_guard lock(mutex_);
    first_ = std::move(errors);
  }
  void hold() {
    const std::lock_guard lock(mutex_);
    holds_ = true;
  }
  /// The calls so far, once there are `count`.
  std::vector<Seen> wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::nanoseconds(kPatienceNs), [&] { return seen_.size() >= count; }));
    return seen_;
  }

 private:
  class Call final : public plugin::ClientCall {
   public:
    explicit Call(FakeCaller& owner) : owner_(owner) {}
    Result<plugin::Message> read() override { return Error{Code::kOutOfRange, "no stream"}; }
    Status write(plugin::Message) override { return Error{Code::kUnimplemented, "no stream"}; }
    void finish_writing() override {}
    void cancel() override {
      const std::lock_guard lock(owner_.mutex_);
      cancelled_ = true;
      owner_.changed_.notify_all();
    }
    Result<plugin::Message> wait() override {
      std::unique_lock lock(owner_.mutex_);
      owner_.changed_.wait(lock, [this] { return cancelled_ || !owner_.holds_; });
      if (cancelled_) return Error{Code::kCancelled, "cancelled", "call.cancelled"};
      if (!owner_.first_.empty()) {
        Error first = std::move(owner_.first_.front());
        owner_.first_.pop_front();
        return first;
      }
      if (owner_.error_) return *owner_.error_;
      return plugin::Message{owner_.body_, {}};
    }

   private:
    FakeCaller& owner_;
    bool cancelled_ = false;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Seen> seen_;
  bool holds_ = false;
  std::deque<Error> first_;
  std::optional<Error> error_;
  std::string body_;
};

/// A world with actions, whose host can end and start again.
struct ActionWorld : World {
  ActionWorld() {
    REQUIRE(make_robot("r1").ok());
    begin();
  }
  void begin() {
    actions = std::make_unique<Actions>(store(), caller, pool, timers);
    REQUIRE(actions->start().ok());
  }
  void end_and_begin() {
    actions.reset();
    restart();
    begin();
  }
  Result<ActionResult> run(const std::string& verb, const std::string& body = "", WriteOptions options = {}) {
    return actions->run(alice, {robot_ref("r1"), verb, body, options});
  }
  /// The operation's JSON once it has ended.
  std::string ended(const ObjectRef& operation) {
    WatchOptions options{std::string(kOperationKind), "default"};
    auto watch = store().watch(host, options);
    REQUIRE(watch.ok());
    while (true) {
      const std::string now = show(store().get(alice, operation));
      if (now.find("ended_at") != std::string::npos) return now;
      const auto events = (*watch)->wait(64, clock.monotonic_ns() + kPatienceNs);
      if (!events.ok()) FAIL("the operation does not end: " + now);
    }
  }

  WorkerPool pool{WorkerPool::Options{}};
  TimerQueue timers{system_clock()};
  FakeCaller caller;
  std::unique_ptr<Actions> actions;
};

/// As the plugin that was called for an operation calls the host, on behalf of that call.
inline auth::ContextPtr on_behalf(const auth::ContextPtr& call, const std::string& plugin = "shop") {
  auto grant = std::make_shared<auth::Grant>();
  grant->plugin = plugin;
  auto onward = std::make_shared<auth::Context>(*call);
  onward->chain.push_back(std::move(grant));
  return onward;
}

}  // namespace novacron::host::resource::testing
