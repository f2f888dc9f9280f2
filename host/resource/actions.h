// Verbs of objects: POST …/name:verb. A patch verb is a merge patch of the object; an action method is a call to
// whoever provides its service, answered directly when it is read-only or a stream, else followed by a stored Operation
// that survives a restart of the host.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "host/base/fd.h"
#include "host/base/worker_pool.h"
#include "host/plugin/service.h"
#include "host/resource/store.h"

namespace novacron::host::resource {

inline constexpr size_t kMaxRunningOperations = 64;
inline constexpr size_t kMaxQueuedOperations = 1'024;
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
                                  ObjectView>;  ///< the Operation that was started

/// Calls block, so they belong on worker threads.
class Actions {
 public:
  Actions(Store& store, plugin::Caller& caller, WorkerPool& pool);
  /// Waits for the calls under way; their operations stay as running and are taken up by the next start().
  ~Actions();
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

 private:
  class Runner;
  std::unique_ptr<Runner> runner_;
};

}  // namespace novacron::host::resource
