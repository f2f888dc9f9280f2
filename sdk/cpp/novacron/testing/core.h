// The inside of the testing host: calls, tasks and events behind one lock.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "novacron/testing/host.h"

namespace novacron::testing {

/// Of real time, whatever the simulated clock says: a test hangs no longer than this.
inline constexpr uint64_t kRealWaitMs = 20'000;
/// Messages of a stream that nobody has read; then write() waits.
inline constexpr size_t kMaxUnread = 16;

struct StoredMessage {
  bool has_body = true;
  std::string body;
  Fds fds;
  uint32_t flags = 0;

  static StoredMessage of(const nc_message& raw);
  /// The body stays here; the descriptors go with the result.
  nc_message pass();
};

/// Both ends of a call.
struct CallRecord {
  nc_call client = 0;
  nc_call server = 0;
  std::string name;  // "service/method"
  uint64_t deadline_ns = 0;
  nc_context context = 0;
  std::string caller;  // the plugin; empty: the test
  std::string callee;  // likewise
  std::deque<StoredMessage> to_client;
  std::deque<StoredMessage> to_server;
  bool client_is_done_writing = false;
  StoredMessage last_read_by_client;
  StoredMessage last_read_by_server;
  bool is_cancelled = false;
  bool is_finished = false;

  // The result, and the parts of it that nc_result borrows.
  nc_code code = NC_OK;
  std::string reason;
  std::string text;
  std::string detail;
  uint64_t retry_after_ns = 0;
  std::optional<StoredMessage> reply;
  nc_message reply_raw{};
  nc_result raw{};
};
using CallPointer = std::shared_ptr<CallRecord>;

/// Runs a method of a callee: nc_plugin.invoke in shape.
using Invoke = std::function<nc_code(const nc_request&)>;

struct Provider {
  const nc_service* service = nullptr;
  Invoke invoke;  // request.method is an index into `service`
  std::string plugin;
};

/// Who uses the host: a plugin, or the test. Its table's `self`.
struct Seat {
  Seat(Core& core, std::string plugin);
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  Core& core;
  const std::string plugin;  ///< empty: the test
  nc_context own_context = 0;
  nc_host table;
};

/// [any] thread. Nothing of a plugin's or a test's is called under the lock.
class Core {
 public:
  Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core();

  novacron::Host& client() { return *client_; }

  /// `invoke` gets the index of the service in its plugin's descriptor bound.
  void provide(const nc_service* service, Invoke invoke, const std::string& plugin);
  void withdraw(std::string_view service);
  void withdraw_plugin(const std::string& plugin);

  // calls.cpp
  nc_context make_context(const Caller& caller);
  nc_code context_info(nc_context context, nc_caller* out);
  nc_context hold_context(nc_context context);
  void drop_context(nc_context context);
  nc_route connect(const nc_service* wanted, std::string_view plugin, std::string_view node);
  nc_call call(Seat& seat, nc_route route, const nc_request& request, void* ctx,
               void (*done)(void* ctx, nc_call call, const nc_result* result));
  nc_code wait(nc_call call, uint64_t until_ns, const nc_result** result);
  void cancel(nc_call call);
  void drop(nc_call call);
  nc_code write(nc_call call, const nc_message& message, uint64_t until_ns);
  nc_code read(nc_call call, nc_message* message, uint64_t until_ns);
  nc_code finish(nc_call call, const nc_result& result);
  bool is_cancelled(nc_call call);
  /// What a host does before it quiesces a plugin: its streams are cancelled, its subscriptions and timers end.
  void silence(Seat& seat);
  /// Until no method of the plugin runs. False: one still does after kRealWaitMs.
  bool wait_quiet(const std::string& plugin);
  /// A call without a callee, for quiesce() and restore(): the plugin's end.
  CallPointer make_pipe(std::vector<std::string> for_plugin);
  std::vector<std::string> drain(const CallPointer& pipe);

  // events.cpp
  nc_code publish(const nc_event& event);
  nc_subscription subscribe(Seat& seat, const nc_interest& interest);
  void unsubscribe(nc_subscription subscription);
  nc_timer post(Seat& seat, const nc_task& task);
  void unpost(nc_timer timer);
  void log(int32_t level, nc_str event, const nc_field* const* fields, size_t length);
  void fatal(std::string_view why);
  uint64_t now(int32_t clock);
  void advance(uint64_t ns);
  void random(void* out, size_t length);
  /// One task that is due; false: there is none.
  bool run_one();
  bool run_until(const std::function<bool()>& condition, uint64_t limit_ms);
  std::vector<LogRecord> logs() const;
  std::vector<PublishedEvent> events() const;
  std::vector<std::string> fatals() const;
  std::vector<std::string> calls() const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct RouteRecord {
    const nc_service* wanted;
    std::string plugin;
    std::string node;
  };
  struct SubscriptionRecord {
    nc_interest raw;
    std::string pattern;
    std::string plugin;
  };
  struct TaskRecord {
    nc_timer id;
    std::string plugin;
    bool is_cancellable;
    std::function<void(nc_code why)> run;
  };
  struct Destination {
    Provider provider;
    uint32_t method;
    bool is_stream;
    std::string node;
  };

  CallPointer find(nc_call call);
  CallPointer begin(Seat& seat, const nc_request& request);
  std::optional<Destination> destination_of(CallRecord& call, nc_route route, uint32_t method);
  void execute(const CallPointer& call, const Destination& destination, const std::shared_ptr<StoredMessage>& message,
               const std::string& idempotency_key);
  void run_to_end(const CallPointer& call, nc_route route, uint32_t method,
                  const std::shared_ptr<StoredMessage>& message, const std::string& idempotency_key);
  void refuse(CallRecord& call, nc_code code, std::string_view reason, std::string_view text);
  void complete(CallRecord& call, const nc_result& result);
  template <class Condition>
  bool wait_until(Lock& lock, uint64_t until_ns, Condition&& condition);
  void moved();
  nc_timer enqueue(uint64_t due_ns, TaskRecord task);
  void deliver(const SubscriptionRecord& subscription, nc_subscription id, const PublishedEvent& event);
  void end(nc_subscription id, nc_code why);

  mutable std::mutex mutex_;
  std::condition_variable moved_;
  uint64_t activity_ = 0;  // grows with every change that a waiting test may look for
  uint64_t now_ns_ = 1'000'000'000;
  uint64_t random_ = 0x9E3779B97F4A7C15;
  uint64_t next_id_ = 1;

  std::map<std::string, Provider, std::less<>> providers_;
  std::map<nc_route, RouteRecord> routes_;
  std::map<nc_context, std::shared_ptr<const Caller>> contexts_;
  std::map<nc_call, CallPointer> calls_;  // by the ids of both ends
  std::map<std::string, int> running_;    // methods, by plugin
  std::vector<std::thread> threads_;      // of streams
  std::map<nc_subscription, SubscriptionRecord> subscriptions_;
  std::map<std::pair<uint64_t, uint64_t>, TaskRecord> tasks_;  // by time, then by coming

  std::vector<LogRecord> logs_;
  std::vector<PublishedEvent> events_;
  std::vector<std::string> fatals_;
  std::vector<std::string> ended_calls_;

  std::unique_ptr<Seat> test_seat_;
  std::unique_ptr<novacron::Host> client_;
};

/// Whether a subject matches "vm.*", "vm.>".
bool matches(std::string_view pattern, std::string_view subject);

/// The host's functions, for a Seat as `self`.
nc_host host_table(Seat* seat);

}  // namespace novacron::testing
