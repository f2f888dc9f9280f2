#include "host/plugin/call.h"

#include <algorithm>
#include <cassert>
#include <chrono>

#include "host/plugin/breaker.h"
#include "host/plugin/call_trace.h"
#include "host/plugin/core.h"
#include "host/plugin/frame.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::plugin {
namespace {

constexpr uint64_t kLongestSleepNs = 1'000'000'000;  ///< an injected clock may run ahead of the machine's

Error not_in_time() {
  return {Code::kDeadlineExceeded, "not in time", "host.deadline"};
}

Error over() {
  return {Code::kCancelled, "the call is over or cancelled", "host.cancelled"};
}

const trace::SpanContext& decided(bool unsampled) {
  static constexpr trace::SpanContext kUndecided, kNo{{}, {}, trace::Sampling::kNo};
  return unsampled ? kNo : kUndecided;
}

/// Of a call that ended by its callee's word. What streams end with says little of their callee.
Breaker::Lesson lesson_of_answer(Code code) {
  return code == Code::kUnavailable ? Breaker::Lesson::kUnwell : Breaker::Lesson::kWell;
}

/// Of a call that the host ended.
Breaker::Lesson lesson_of_end(Code code, uint64_t patience_ns) {
  const bool unanswered = code == Code::kDeadlineExceeded && patience_ns >= kMinPatienceNs;
  return unanswered ? Breaker::Lesson::kNoAnswer : Breaker::Lesson::kNothing;
}

}  // namespace

Status check_message(const Message& message) {
  if (message.body.size() > kMaxMessageBytes) {
    return Error{Code::kResourceExhausted, "a message has at most 4 MiB", "host.message-too-large"};
  }
  if (message.fds.size() > NC_FDS_MAX) {
    return Error{Code::kInvalidArgument, "a message carries at most 15 open descriptors", "host.bad-descriptor"};
  }
  return {};
}

bool Call::Pipe::has_room(size_t size, const Room& room) const {
  if (messages.size() >= room.messages) return false;
  return messages.empty() || bytes + size <= room.bytes;
}

Call::Call(Core& core, Options options)
    : core_(core),
      sequence_(core.last_sequence.fetch_add(1, std::memory_order_relaxed) + 1),
      options_(std::move(options)) {
  if (options_.flags & NC_METHOD_CLIENT_STREAM) {
    pipes_[0] = std::make_unique<Pipe>();
    pipes_[0]->closed = options_.request_last;
  }
  if (options_.flags & NC_METHOD_SERVER_STREAM) pipes_[1] = std::make_unique<Pipe>();
}

Call::~Call() {
  if (deadline_timer_ != 0) core_.timers.cancel(deadline_timer_);
}

void Call::pending(Call* cause) {
  if (finished_) return;
  {
    std::lock_guard lock(mutex_);
    if (finished_) return;
    deadline_timer_ = core_.timers.at(options_.deadline_ns, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->finish_by_host({Code::kDeadlineExceeded, "the call did not end by its deadline", "host.deadline"});
      }
    });
  }
  core_.graph.pending(cause, shared_from_this());
}

const trace::SpanContext& Call::trace() const {
  return options_.trace ? options_.trace->context : decided(options_.unsampled);
}

const trace::SpanContext& Call::made_in() const {
  return options_.trace ? options_.trace->made_in : decided(options_.unsampled);
}

void Call::queued(std::shared_ptr<Crew> callee, bool needs_slot) {
  std::lock_guard lock(mutex_);
  stage_ = Stage::kQueued;
  callee_ = std::move(callee);
  needs_slot_ = needs_slot;
}

bool Call::begin(std::shared_ptr<Crew> callee, bool needs_slot) {
  std::lock_guard lock(mutex_);
  if (finished_) return false;
  stage_ = Stage::kRunning;
  callee_ = std::move(callee);
  needs_slot_ = needs_slot;
  if (options_.trace) note_begin(*core_.options.tracer, options_.trace->span);
  return true;
}

void Call::returned() {
  if (finished_) return;
  {
    std::lock_guard lock(mutex_);
    if (finished_) return;
    stage_ = Stage::kReturned;
  }
  core_.graph.returned(shared_from_this());
}

void Call::taken_back() {
  std::lock_guard lock(mutex_);
  stage_ = Stage::kNew;
  callee_ = nullptr;
}

bool Call::begun() const {
  std::lock_guard lock(mutex_);
  return stage_ == Stage::kRunning || stage_ == Stage::kReturned;
}

std::optional<Message> Call::take_request() {
  std::lock_guard lock(mutex_);
  return std::exchange(options_.request, std::nullopt);
}

bool Call::end(Result<Message> result, By by) {
  std::function<void()> completion;
  std::function<void()> on_cancel;
  std::optional<Message> request;
  std::optional<std::deque<Message>> unread;  // descriptors close after the lock; an empty deque is no cheap one
  const Code code = result.code();
  {
    std::lock_guard lock(mutex_);
    if (finished_) return false;
    if (options_.trace) end_trace(*core_.options.tracer, options_.trace->span, result);
    if (!abandoned_) result_ = std::move(result);
    if (pipes_[0]) unread = std::exchange(pipes_[0]->messages, {});
    request.swap(options_.request);
    completion.swap(completion_);
    on_cancel.swap(on_cancel_);
    // Under the lock: once a waiter has gone on, the broker and its timers may end.
    if (deadline_timer_ != 0) core_.timers.cancel(std::exchange(deadline_timer_, 0));
    finished_ = true;  // the last of it: whoever sees it without the lock takes the lock next
  }
  if (options_.breaker) {
    const uint64_t patience_ns = options_.deadline_ns - options_.begun_ns;
    const auto lesson = by == By::kCallee ? lesson_of_answer(code) : lesson_of_end(code, patience_ns);
    options_.breaker->learn(streams() ? Breaker::Lesson::kNothing : lesson, options_.probe);
  }
  changed_.notify_all();  // without the lock, which whoever wakes up wants
  if (by == By::kHost && on_cancel) on_cancel();
  if (completion) completion();
  return true;
}

bool Call::cancelled() const {
  std::lock_guard lock(mutex_);
  return finished_ || cancelled_ || core_.now_ns() >= options_.deadline_ns;
}

void Call::on_cancel(std::function<void()> callback) {
  {
    std::lock_guard lock(mutex_);
    if (!finished_ && !cancelled_) {
      on_cancel_ = std::move(callback);
      return;
    }
  }
  callback();
}

void Call::cancel() {
  std::function<void()> on_cancel;
  bool begun = false;
  {
    std::lock_guard lock(mutex_);
    if (finished_ || cancelled_) return;
    cancelled_ = true;
    begun = stage_ == Stage::kRunning || stage_ == Stage::kReturned;
    if (begun) on_cancel.swap(on_cancel_);
    changed_.notify_all();
  }
  if (!begun) finish_by_host({Code::kCancelled, "cancelled before it began", "host.cancelled"});
  if (on_cancel) on_cancel();
}

void Call::abandon() {
  std::optional<Result<Message>> result;
  std::optional<std::deque<Message>> unread;  // descriptors close after the lock; an empty deque is no cheap one
  {
    std::lock_guard lock(mutex_);
    abandoned_ = true;
    result.swap(result_);
    if (pipes_[1]) unread = std::exchange(pipes_[1]->messages, {});
    if (finished_) return;
  }
  cancel();
}

bool Call::finished() const {
  return finished_;
}

bool Call::over_for(End end) const {
  return finished_ || (end == End::kCallee && cancelled_);
}

bool Call::would_block(End end, WaitFor what, size_t size) const {
  switch (what) {
    case WaitFor::kResult:
      return !finished_;
    case WaitFor::kMessage: {
      const Pipe* pipe = pipe_from(end == End::kCaller ? End::kCallee : End::kCaller);
      return pipe && pipe->messages.empty() && !pipe->closed && !over_for(end);
    }
    case WaitFor::kRoom: {
      const Pipe* pipe = pipe_from(end);
      return pipe && !pipe->closed && !pipe->has_room(size, options_.room) && !finished_ && !cancelled_;
    }
  }
  return false;
}

Status Call::await(End end, WaitFor what, size_t size, uint64_t until_ns) {
  std::shared_ptr<Crew> callee;
  {
    std::lock_guard lock(mutex_);
    if (!would_block(end, what, size)) return {};
    callee = callee_;
  }
  const auto is_over = [this] { return finished_.load(std::memory_order_acquire); };
  if (what == WaitFor::kResult && callee && callee->spin().until(is_over)) return {};
  if (core_.now_ns() >= until_ns) return not_in_time();
  const Crew::Blocked blocked(Frame::top() ? Frame::top()->crew() : nullptr);
  const WaitGraph::Wait waiting(core_.graph, *this, end, what, size);
  std::unique_lock lock(mutex_);
  while (would_block(end, what, size)) {
    const uint64_t now_ns = core_.now_ns();
    if (now_ns >= until_ns) return not_in_time();
    changed_.wait_for(lock, std::chrono::nanoseconds(std::min(until_ns - now_ns, kLongestSleepNs)));
  }
  return {};
}

Status Call::await_result(uint64_t until_ns) {
  if (finished_) return {};
  return await(End::kCaller, WaitFor::kResult, 0, until_ns);
}

Result<Message> Call::take_result() {
  std::lock_guard lock(mutex_);
  assert(finished_);
  if (!result_) return over();
  Result<Message> result = std::move(*result_);
  result_.reset();
  return result;
}

Status Call::write(End from, std::optional<Message> message, bool last, uint64_t until_ns) {
  const size_t size = message ? message->body.size() : 0;
  if (message) TRY_STATUS(check_message(*message));
  while (true) {
    {
      std::lock_guard lock(mutex_);
      Pipe* const pipe = pipe_from(from);
      if (!pipe || pipe->closed) {
        return Error{Code::kFailedPrecondition, "this end writes no further message", "host.not-writing"};
      }
      if (finished_ || cancelled_) return over();
      if (!message || pipe->has_room(size, options_.room)) {
        if (message) {
          pipe->bytes += size;
          pipe->messages.push_back(std::move(*message));
        }
        pipe->closed = last;
        changed_.notify_all();
        return {};
      }
      const bool refused = until_ns == 0 || options_.room.beyond == Room::Beyond::kRefused;
      if (refused) return Error{Code::kResourceExhausted, "the other end does not read", "host.unread"};
    }
    TRY_STATUS(await(from, WaitFor::kRoom, size, until_ns));
  }
}

bool Call::has_unread(End from) const {
  std::lock_guard lock(mutex_);
  const Pipe* const pipe = pipe_from(from);
  return pipe && !pipe->messages.empty();
}

Result<Message> Call::read(End at, uint64_t until_ns) {
  while (true) {
    TRY_STATUS(await(at, WaitFor::kMessage, 0, until_ns));
    std::lock_guard lock(mutex_);
    Pipe* const pipe = pipe_from(at == End::kCaller ? End::kCallee : End::kCaller);
    if (!pipe) return Error{Code::kFailedPrecondition, "this end reads no stream", "host.not-reading"};
    if (at == End::kCallee && over_for(at)) return over();
    if (!pipe->messages.empty()) {
      Message message = std::move(pipe->messages.front());
      pipe->messages.pop_front();
      pipe->bytes -= message.body.size();
      changed_.notify_all();
      return message;
    }
    if (pipe->closed || finished_) return Error{Code::kOutOfRange, "no further message", "host.end-of-stream"};
  }
}

}  // namespace novacron::host::plugin
