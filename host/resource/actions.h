// Verbs of objects: POST …/name:verb. A patch verb is a merge patch of the object; an action method is a call to
// whoever provides its service, answered directly when it is read-only or a stream, else followed by a stored Operation
// that survives a restart of the host.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "host/base/fd.h"
#include "host/base/worker_pool.h"
#include "host/plugin/service.h"
#include "host/resource/store.h"

namespace novacron::core::v1 {
class EndedOperation;
}
namespace novacron::host {
class TimerQueue;
}

namespace novacron::host::trace {
class Tracer;
}

namespace novacron::host::resource {

struct ProgressReport;

inline constexpr size_t kMaxRunningOperations = 64;
inline constexpr size_t kMaxQueuedOperations = 1'024;
inline constexpr size_t kMaxChildKeyBytes = 128;
inline constexpr uint64_t kMaxCallTimeoutNs = 3'600ull * 1'000'000'000;

struct ActionRequest {
  ObjectRef ref;
  std::string verb;
  std::string body;  ///< JSON of the method's request without `object`; empty: {}
  WriteOptions options = {};
};

/// The reply of a read-only or streaming action.
struct ActionReply {
  std::string json;
  std::vector<Fd> fds;  ///< of a stream: one stream socket
};

using ActionResult = std::variant<WriteResult,  ///< a patch verb: the object
                                  ActionReply,  ///< answered
                                  ObjectView>;  ///< the Operation that was started; of a dry run: a WriteResult with it

/// What a plugin starts for the operation that it carries out.
struct ChildRequest {
  ObjectRef target;
  std::string verb;
  std::string request;  ///< the method's, encoded, without `object`
  std::string key;      ///< the same gives the same child; at most kMaxChildKeyBytes
};

/// The operation that a plugin carries out, as it sees it.
struct CurrentOperation {
  ObjectRef ref;
  std::string checkpoint;
  uint32_t attempt = 0;
  bool cancel = false;
};

/// Calls block, so they belong on worker threads.
class Actions {
 public:
  /// Operations that are taken up again go on in the traces that they began in. `tracer` null: tracing is off.
  Actions(Store& store, plugin::Caller& caller, WorkerPool& pool, TimerQueue& timers, trace::Tracer* tracer = nullptr);
  /// Waits for the calls under way; their operations stay as running and are taken up by the next start().
  ~Actions();
  /// The first half of the end, for who carries operations out and uses this: nothing may be run afterwards.
  void stop();
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  /// Takes up what the last run of the host left: repeats idempotent methods with their operation's id as key, fails
  /// the rest with "operation.interrupted".
  Status start();

  /// NOT_FOUND "resource.unknown-verb". The caller needs the verb's own name as right on the object.
  ///
  /// A dry run does everything but the effect: nobody is called but for a verb that only reads, and the reply is the
  /// object as it would be, the Operation that would start (its revision is 0), or {} for a stream.
  Result<ActionResult> run(const auth::ContextPtr& context, const ActionRequest& request);

  // For who carries an operation out: `context` is of a call by the plugin that the host has called for it, and by
  // nobody behind that. FAILED_PRECONDITION "operation.none" for any other, "operation.not-running" when it has ended.
  Result<CurrentOperation> current(const auth::Context& context);
  /// Whether somebody asked the operation to stop. See Progress::report().
  Result<bool> report(const auth::Context& context, const ProgressReport& report, uint64_t deadline_ns);
  /// ALREADY_EXISTS "operation.key" when the key is another child's; RESOURCE_EXHAUSTED "operation.depth",
  /// "operation.children".
  Result<ObjectRef> start_child(const auth::ContextPtr& context, const ChildRequest& request);
  /// `ended` comes once, when the child has ended, unless forget_waiter() comes first.
  Status when_ended(const auth::Context& context, const ObjectRef& child, uint64_t waiter, std::function<void()> ended);
  void forget_waiter(const ObjectRef& child, uint64_t waiter);
  /// How a child of the context's operation ended.
  Result<core::v1::EndedOperation> outcome(const auth::Context& context, const ObjectRef& child);

 private:
  class Runner;
  std::unique_ptr<Runner> runner_;
};

}  // namespace novacron::host::resource
