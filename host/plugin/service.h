// Services as the host's own code sees them: how it offers one, and how it calls one, wherever its provider runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/auth/context.h"
#include "host/base/fd.h"
#include "host/base/result.h"

namespace novacron::host::plugin {

/// One message of a call: encoded protobuf bytes and the descriptors that travel with it (at most 15).
struct Message {
  std::string body;
  std::vector<Fd> fds;
};

/// Flags as NC_METHOD_* of sdk/abi/novacron/plugin.h.
struct MethodSpec {
  std::string name;
  uint32_t flags = 0;
  uint64_t default_timeout_ns = 0;  ///< 0: the host's default, 30 s
};

struct ServiceSpec {
  std::string name;  ///< "novacron.core.v1.State"
  std::vector<MethodSpec> methods;
};

/// The callee's end of a call to a service that the host itself offers. [any] thread, beside anything.
class ServerCall {
 public:
  virtual ~ServerCall() = default;
  virtual const auth::ContextPtr& context() const = 0;
  virtual uint64_t deadline_ns() const = 0;  ///< monotonic
  virtual const std::string& idempotency_key() const = 0;
  /// That the caller named, one that this host answers for; empty: none.
  virtual const std::string& node() const = 0;
  /// Cancelled, or past its deadline.
  virtual bool cancelled() const = 0;
  /// Called once, on any thread, when the call is cancelled or its caller is gone; at once if it already is.
  virtual void on_cancel(std::function<void()> callback) = 0;
  /// One message of a server stream. Never blocks: RESOURCE_EXHAUSTED when the caller has not read the last kMaxUnread
  /// messages.
  virtual Status write(Message message) = 0;
  /// One message of a client stream; blocks up to the deadline. OUT_OF_RANGE: the end.
  virtual Result<Message> read() = 0;
  /// Exactly once. For a server stream the value's message is not sent.
  virtual void finish(Result<Message> result) = 0;
};

/// A service that the host offers to plugins, called like any plugin's. invoke() runs on a host worker thread, several
/// at once; it may block up to the call's deadline; finish() may come later from any thread.
class Service {
 public:
  virtual ~Service() = default;
  virtual const ServiceSpec& spec() const = 0;
  virtual void invoke(std::shared_ptr<ServerCall> call, uint32_t method, Message request) = 0;
};

/// Where a call should go. Each empty: the host chooses.
struct Target {
  std::string plugin;
  std::string node;
};

struct CallOptions {
  auth::ContextPtr context;  ///< on whose behalf; never null
  uint64_t timeout_ns = 0;   ///< 0: the method's own default
  std::string idempotency_key;
};

/// The caller's end, for the host's own code (the API's actions, the tests). Destruction drops (and so cancels) the
/// call.
class ClientCall {
 public:
  virtual ~ClientCall() = default;
  /// Blocks up to the deadline. OUT_OF_RANGE: no further message, see wait().
  virtual Result<Message> read() = 0;
  virtual Status write(Message message) = 0;
  virtual void finish_writing() = 0;
  virtual void cancel() = 0;
  /// The result, once it is there; blocks up to the deadline.
  virtual Result<Message> wait() = 0;
};

/// [any] thread; `call` blocks and is for worker threads only. A client stream that starts with an empty request starts
/// without a message.
class Caller {
 public:
  virtual ~Caller() = default;
  /// UNAVAILABLE "plugin.no-provider" when nobody provides the service now.
  virtual Result<Message> call(std::string_view service, std::string_view method, const Target& target, Message request,
                               const CallOptions& options) = 0;
  virtual std::unique_ptr<ClientCall> open(std::string_view service, std::string_view method, const Target& target,
                                           Message request, const CallOptions& options) = 0;
  /// Without blocking; `done` comes exactly once, on a host worker.
  virtual void call_async(std::string_view service, std::string_view method, const Target& target, Message request,
                          const CallOptions& options, std::function<void(Result<Message>)> done) = 0;
};

}  // namespace novacron::host::plugin
