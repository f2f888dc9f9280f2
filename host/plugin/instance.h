// One instance of a plugin in this process: the callee behind its routes, and the host that it sees.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/base/id_table.h"
#include "host/plugin/abi.h"
#include "host/plugin/call.h"
#include "host/plugin/contexts.h"
#include "host/plugin/core.h"
#include "host/plugin/endpoint.h"
#include "host/plugin/faults.h"
#include "host/plugin/frame.h"
#include "host/plugin/lifecycle.h"
#include "host/plugin/plugin_log.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::sandbox {
class Guest;
}

namespace novacron::host::plugin {

class Breaker;
class CallGate;

constexpr uint64_t kFastBudgetNs = 50'000;    ///< of a FAST method; longer is an overrun
constexpr uint64_t kFastStallNs = 1'000'000;  ///< while one runs so long, others of that method are queued
constexpr int kOverrunWeight = 8;             ///< good runs that make up for one overrun
constexpr int kDemoteAt = 64;                 ///< a FAST method is queued from then on
constexpr uint32_t kMaxInlineDepth = 16;      ///< FAST calls inside FAST calls
constexpr size_t kMaxWorkers = 16;            ///< threads in one plugin
constexpr size_t kMaxOpenIncoming = 8'192;    ///< calls, both ends counted; more are refused
constexpr size_t kMaxOpenOutgoing = 16'384;   ///< likewise
constexpr size_t kMaxCallIds = 65'536;        ///< a plugin that has more leaks them: it is quarantined
constexpr size_t kMaxRoutes = 32'768;         ///< services, each on every node that it is called on
constexpr size_t kMaxSubscriptions = 1'024;
constexpr size_t kMaxTimers = 4'096;

/// The control functions block and are called one at a time, each from a thread that may hang in the plugin; all else
/// is [any].
///
///   create → start → open → … → stop → quiesce → drain → destroy       abandon: from anywhere, instead of destroy
///
/// One that gives way to another: pause → settle → quiesce(sink) → drain → destroy, or → resume; and the other:
/// create → restore → take_over.
class Instance final : public Endpoint, public std::enable_shared_from_this<Instance> {
 public:
  struct Options {
    std::string id;
    const nc_plugin* plugin = nullptr;  ///< lives as long as the process, or as long as `guest`
    /// The process that the plugin runs in, whose table `plugin` is; null: the host's own.
    std::shared_ptr<sandbox::Guest> guest;
    std::vector<ServiceSpec> services;
    std::shared_ptr<const auth::Grant> grant;
    // On any thread; must not block.
    std::function<void(std::string why)> on_fatal;            ///< once
    std::function<void(std::string_view reason)> on_trouble;  ///< a fault or a breaker, see LifecycleListener
  };
  static std::shared_ptr<Instance> make(const std::shared_ptr<Core>& core, Options options);
  ~Instance() override;

  Status create(const std::string& config);
  Status start(uint64_t deadline_ns);
  Status configure(const std::string& config, uint64_t until_ns);
  /// One at a time: UNAVAILABLE "plugin.health" while another asks.
  Status health();
  /// `state`: where it leaves what its successor must know, see lend_sink(); 0: nobody asks.
  Status quiesce(uint64_t deadline_ns, nc_call state = 0);
  /// It goes on after quiesce(); calls reach it again when it has succeeded.
  Status resume(uint64_t until_ns);
  /// Instead of start(), with what quiesce() of another version left. FAILED_PRECONDITION "plugin.restore-failed": not
  /// understood. Then it is to be ended as after a failed start.
  Status restore(const std::string& from_version, uint64_t deadline_ns, nc_call state);
  bool can_restore() const { return NC_CAN(options_.plugin, restore); }
  /// DEADLINE_EXCEEDED: a worker does not come back, so destroy was not called.
  Status destroy(uint64_t until_ns);

  /// Calls reach it from now on.
  Status open();
  /// Likewise, in the place of another instance of the plugin, of which no call is lost.
  Status take_over(const Instance& from);
  /// Calls that have not begun, and those to come, wait at the gate; streams, timers and subscriptions end; what runs
  /// goes on.
  void pause(std::shared_ptr<CallGate> gate);
  /// Waits until the calls that began are over, and so are timers and subscriptions. False: not by then.
  bool settle(uint64_t until_ns);
  /// Its end of a stream of state, for quiesce(sink) and restore(source); take_back() it afterwards.
  nc_call lend_sink(const std::shared_ptr<Call>& state) { return lend(End::kCallee, state); }
  nc_call lend_source(const std::shared_ptr<Call>& state) { return lend(End::kCaller, state); }
  void take_back(nc_call state);
  /// No call reaches it any more, streams end, timers and subscriptions too; what runs goes on.
  void stop();
  /// Waits until nothing is outstanding at either end; halfway it cancels what is left. False: not by then.
  bool drain(uint64_t until_ns);
  /// Makes all its ids stale and keeps it in memory for ever, since a thread of it may still run.
  void abandon();
  /// Its process is dead: ends what is outstanding with UNAVAILABLE "plugin.died". destroy() is not called any more.
  void lose();
  /// Null: it runs in the host's own process.
  const std::shared_ptr<sandbox::Guest>& guest() const { return options_.guest; }

  size_t revoke_contexts(std::string_view principal) { return contexts_.revoke(principal); }
  PluginCounters counters() const;
  std::vector<PluginFault> faults() const { return faults_.report(); }
  std::vector<OpenBreaker> open_breakers() const;
  /// Of every method of its services.
  std::vector<MethodUse> uses() const;

  const std::string& plugin() const override { return options_.id; }
  const std::vector<ServiceSpec>& services() const override { return options_.services; }
  std::shared_ptr<Breaker> breaker(uint32_t service) const override { return breakers_[service]; }
  void deliver(const std::shared_ptr<Call>& call, uint32_t service, uint32_t method) override;

 private:
  using Done = void (*)(void* ctx, nc_call call, const nc_result* result);
  struct CallEnd;
  struct Method;
  struct Outgoing;
  struct Subscription;
  struct Timer;
  struct Table;  ///< the functions of nc_host; knows the rest
  using CallEndPtr = std::shared_ptr<CallEnd>;
  using SubscriptionPtr = std::shared_ptr<Subscription>;
  using TimerPtr = std::shared_ptr<Timer>;

  Instance(const std::shared_ptr<Core>& core, Options options);

  // As a callee.
  bool may_run_inline(const Method& method);
  bool needs_slot(const Method& method) const;
  void run_inline(const CallEndPtr& end, uint32_t service, uint32_t method);
  void run_queued(const CallEndPtr& end, uint32_t service, uint32_t method);
  void queue(const CallEndPtr& end, uint32_t service, uint32_t method);
  /// It does not take the call: its successor does, or nobody.
  void turn_away(const CallEndPtr& end);
  void move_to_gate(const CallEndPtr& end);
  void end_streams(std::string_view why);
  std::shared_ptr<CallGate> gate();
  nc_call lend(End end, const std::shared_ptr<Call>& state);
  void enter(const CallEndPtr& end, uint32_t service, uint32_t method);
  void refuse(const CallEndPtr& end, Error error);
  void tell_of_cancel(const CallEnd& end) const;
  Error why_refused(nc_code code) const;
  void finish_refused(const CallEnd& end, Error why);
  void note_duration(Method& method, uint64_t ns);
  void note_result(const CallEnd& end, bool succeeded);
  nc_code finish(nc_call id, const nc_result* result);
  int32_t cancelled(nc_call id);

  // As a caller.
  nc_route connect(const nc_service* wanted, const nc_target* target);
  nc_call call(nc_route route, const nc_request* request, void* ctx, Done done);
  Status prepare(nc_route route, const nc_request& request, Outgoing& out);
  void run_done(const CallEndPtr& end);
  nc_code wait(nc_call id, uint64_t until_ns, const nc_result** result);
  void cancel(nc_call id);
  void drop(nc_call id);
  nc_code write(nc_call id, const nc_message* message, uint64_t until_ns);
  nc_code read(nc_call id, nc_message* message, uint64_t until_ns);

  // Contexts, events, timers.
  nc_code context_info(nc_context id, nc_caller* out);
  nc_code publish(nc_context context, const nc_event* event);
  nc_subscription subscribe(nc_context context, const nc_interest* interest);
  Status admit(nc_context context, const nc_interest& interest, std::string& tenant);
  uint64_t subscribe_in_bus(const SubscriptionPtr& subscription, const nc_interest& interest,
                            const std::string& tenant);
  void run_events(const SubscriptionPtr& subscription, const void* batch);
  void run_on_end(const SubscriptionPtr& subscription, Code why);
  void unsubscribe(nc_subscription id);
  nc_timer post(const nc_task* task);
  void unpost(nc_timer id);
  void fire(const TimerPtr& timer, nc_code why);
  void disarm(Timer& timer);
  void fatal(std::string why);
  std::string why_fatal();
  void trouble(std::string_view reason);
  /// A thread is inside that was not made for a step of its life.
  bool hangs() const;
  void refuse_more(std::string_view what) { faults_.add(Fault::kLimit, what); }
  /// What a function answers that was given an id which names nothing.
  nc_code stale(std::string_view function);

  /// Runs what enters the plugin; INTERNAL "plugin.threw" and fatal() when it throws.
  template <class Function>
  Status guarded(std::string_view entry, Function&& function);
  /// Enters it for a step of its life; the plugin's own words when that fails.
  template <class Function>
  Status step(std::string_view entry, std::string_view reason, Function&& function);
  Status threw(std::string_view entry, const std::string& what);
  void make_breakers();
  void give_first_slot();
  Crew* slot() const { return crew_->reentrant() ? nullptr : crew_.get(); }
  /// Runs on a worker, with the slot; at once and without entering the plugin when the instance is gone.
  void post_callback(std::function<void()> work);
  void end_call(const CallEndPtr& end);
  bool idle() const;
  /// Something outstanding is over: drain() looks again.
  void settled();
  void cancel_all();
  /// Makes all its ids stale; calls that it serves end with `reason`.
  void shut(const char* reason = "plugin.abandoned");

  Core& core_;
  std::weak_ptr<Core> core_owner_;
  const Options options_;
  const nc_host host_;
  nc_instance* instance_ = nullptr;
  std::vector<std::unique_ptr<Method[]>> methods_;
  std::shared_ptr<Crew> crew_;
  Contexts contexts_;
  PluginLog log_;
  Faults faults_;
  std::vector<std::shared_ptr<Breaker>> breakers_;  ///< by service
  IdTable<CallEndPtr> ends_{kMaxCallIds};
  IdTable<std::shared_ptr<Route>> routes_{kMaxRoutes};
  std::mutex connect_mutex_;  ///< same arguments, same route
  std::multimap<std::string, std::pair<nc_route, std::shared_ptr<Route>>> known_routes_;  ///< by service and target
  IdTable<SubscriptionPtr> subscriptions_{kMaxSubscriptions};
  IdTable<TimerPtr> timers_{kMaxTimers};

  std::atomic<bool> has_slot_ = true;    ///< until it has started, its life's steps hold the slot
  std::atomic<bool> accepting_ = false;  ///< calls
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> gone_ = false;  ///< destroyed or abandoned: nothing enters it, all its ids are stale
  std::atomic<bool> fatal_ = false;
  std::atomic<bool> asking_health_ = false;
  std::mutex drain_mutex_;
  std::string why_fatal_;           ///< under drain_mutex_
  std::shared_ptr<CallGate> gate_;  ///< likewise; null: it never gave way
  std::condition_variable drained_;

  std::atomic<uint64_t> calls_ = 0;
  std::atomic<uint64_t> errors_ = 0;
  std::atomic<uint64_t> refused_ = 0;
  std::atomic<uint64_t> overruns_ = 0;
};

}  // namespace novacron::host::plugin
