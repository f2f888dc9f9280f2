// One call, from the request to its one result, with the messages that flow both ways in between.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/auth/context.h"
#include "host/base/timer_queue.h"
#include "host/plugin/broker.h"
#include "host/plugin/service.h"
#include "host/trace/span.h"

namespace novacron::host::plugin {

struct Core;
class Breaker;
class Crew;
class WaitGraph;

/// How much of one direction of a stream may be unread, and what becomes of more.
struct Room {
  enum class Beyond : uint8_t { kWaits, kRefused };
  size_t messages = kMaxUnreadMessages;
  size_t bytes = kMaxUnreadBytes;
  Beyond beyond = Beyond::kWaits;
};

enum class End : uint8_t { kCaller, kCallee };
enum class WaitFor : uint8_t { kResult, kMessage, kRoom };

/// RESOURCE_EXHAUSTED "host.message-too-large"; INVALID_ARGUMENT "host.bad-descriptor".
Status check_message(const Message& message);

/// Of a call that is recorded.
struct CallTrace {
  trace::SpanContext made_in;
  trace::SpanContext context;
  trace::Span span;
};

/// What each end of a call says and sees. [any] thread; what blocks says so. The result is set once, by whoever is
/// first: the callee, the deadline, the caller's cancel of a call that has not begun, the wait graph.
class Call final : public std::enable_shared_from_this<Call> {
 public:
  /// Where the callee is with it.
  enum class Stage : uint8_t {
    kNew,
    kQueued,    ///< waits for a worker, and for the slot if it needs it
    kRunning,   ///< a thread is in invoke()
    kReturned,  ///< invoke() returned, the result comes later
  };
  struct Options {
    uint32_t flags = 0;  ///< NC_METHOD_*
    uint64_t deadline_ns = 0;
    auth::ContextPtr context;  ///< as the callee sees it
    std::string idempotency_key;
    std::string node;                            ///< that the caller named; empty: none
    std::optional<Message> request;              ///< none: a stream that starts without a message
    bool request_last = true;                    ///< the caller writes no further message
    std::shared_ptr<Crew> caller;                ///< null: the host
    std::shared_ptr<Breaker> breaker = nullptr;  ///< learns how the call ended; null: nobody does
    bool probe = false;                          ///< the breaker's
    uint64_t begun_ns = 0;
    std::unique_ptr<CallTrace> trace = nullptr;  ///< null: not recorded
    bool unsampled = false;                      ///< because it was decided so
    Room room = {};
  };

  Call(Core& core, Options options);
  ~Call();

  uint64_t sequence() const { return sequence_; }  ///< later calls have higher ones
  uint64_t deadline_ns() const { return options_.deadline_ns; }
  const auth::ContextPtr& context() const { return options_.context; }
  const std::string& idempotency_key() const { return options_.idempotency_key; }
  const std::string& node() const { return options_.node; }
  /// What the callee works for, and what the caller worked for when it made the call.
  const trace::SpanContext& trace() const;
  const trace::SpanContext& made_in() const;
  bool request_last() const { return options_.request_last; }
  bool streams() const { return pipes_[0] || pipes_[1]; }

  /// Before the call is delivered: what happens, without a lock and on any thread, once it has its result.
  void on_result(std::function<void()> completion) { completion_ = std::move(completion); }
  /// After delivery, for a call without a result yet: the deadline counts, and circles through it are looked for.
  /// `cause`: the call whose consequence it is; may be null.
  void pending(Call* cause);

  // The callee.
  void queued(std::shared_ptr<Crew> callee, bool needs_slot);
  /// False: it has its result already.
  bool begin(std::shared_ptr<Crew> callee, bool needs_slot);
  void returned();
  /// It was queued there and has not begun: another callee gets it.
  void taken_back();
  bool begun() const;
  std::optional<Message> take_request();
  /// The callee's word; false: the call had its result already.
  bool finish(Result<Message> result) { return end(std::move(result), By::kCallee); }
  /// The host's.
  bool finish_by_host(Error error) { return end(std::move(error), By::kHost); }
  bool cancelled() const;
  void on_cancel(std::function<void()> callback);

  // The caller.
  void cancel();
  /// Cancels, and nobody reads what still comes.
  void abandon();
  bool finished() const;
  /// Whether a message of this end waits to be read.
  bool has_unread(End from) const;
  /// Blocks up to `until_ns`: DEADLINE_EXCEEDED.
  Status await_result(uint64_t until_ns);
  /// Once the call is finished, and once only.
  Result<Message> take_result();

  /// CANCELLED: the other end wants no more. FAILED_PRECONDITION: this end writes no stream, or wrote its last. Blocks
  /// up to `until_ns`: DEADLINE_EXCEEDED; 0 never blocks: RESOURCE_EXHAUSTED.
  Status write(End from, std::optional<Message> message, bool last, uint64_t until_ns);
  /// OUT_OF_RANGE: the end. CANCELLED: the call is over for this callee. Blocks up to `until_ns`: DEADLINE_EXCEEDED.
  Result<Message> read(End at, uint64_t until_ns);

 private:
  friend class WaitGraph;
  enum class By { kCallee, kHost };
  struct Pipe {
    std::deque<Message> messages;
    size_t bytes = 0;
    bool closed = false;
    bool has_room(size_t size, const Room& room) const;
  };

  bool end(Result<Message> result, By by);
  Status await(End end, WaitFor what, size_t size, uint64_t until_ns);
  /// With the lock held.
  bool would_block(End end, WaitFor what, size_t size) const;
  bool over_for(End end) const;
  Pipe* pipe_from(End end) const { return pipes_[end == End::kCaller ? 0 : 1].get(); }

  Core& core_;
  const uint64_t sequence_;
  Options options_;  ///< the request is taken out, the span by whoever ends the call; the rest is constant
  std::function<void()> completion_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Pipe> pipes_[2];  ///< from caller, from callee
  std::optional<Result<Message>> result_;
  std::function<void()> on_cancel_;
  std::shared_ptr<Crew> callee_;  ///< once queued or begun
  TimerQueue::Id deadline_timer_ = 0;
  Stage stage_ = Stage::kNew;
  bool needs_slot_ = false;
  std::atomic<bool> finished_ = false;  ///< set under the lock; read without it where true is final
  bool cancelled_ = false;
  bool abandoned_ = false;

  std::vector<std::weak_ptr<Call>> consequences_;  ///< WaitGraph's, under its lock
  size_t prune_at_ = 8;                            ///< likewise
};

}  // namespace novacron::host::plugin
