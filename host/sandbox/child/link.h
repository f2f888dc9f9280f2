// The sandbox's end of the conversation with the host.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "host/sandbox/abi_wire.h"
#include "host/sandbox/channel.h"
#include "host/sandbox/ops.h"

namespace novacron::host::sandbox {

constexpr size_t kMaxThreads = kMaxEntered + 8;

/// What the host answered: `in` reads `payload`.
struct Answer {
  explicit Answer(Frame frame) : payload(std::move(frame.payload)), in(payload, std::move(frame.fds)) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  const std::string payload;
  In in;
};

class Link final {
 public:
  /// `enter` runs on threads of the link's, one for each entry; what it returns is sent back.
  using Enter = std::function<Out(EnterOp op, In& in)>;
  using Cancel = std::function<void(nc_call)>;

  explicit Link(std::unique_ptr<Channel> channel) : channel_(std::move(channel)) {}

  /// The first frame, on the only thread: what must be done before there are others.
  Status serve_first(const Enter& enter);
  /// Until the host is gone. Never returns.
  [[noreturn]] void serve(Enter enter, Cancel cancel);

  /// [any] Blocks until the host has answered.
  std::unique_ptr<Answer> ask(AskOp op, Out out);
  /// False: there is no credit, so it is not sent.
  bool log(Out out);

 private:
  struct Waiter {
    std::condition_variable came;
    std::unique_ptr<Frame> answer;
  };
  void dispatch(Frame frame);
  void start_thread();
  void run_entries();
  void run_entry(Frame frame);
  uint64_t lane_of_thread();

  const std::unique_ptr<Channel> channel_;
  Enter enter_;
  Cancel cancel_;
  std::mutex mutex_;
  std::condition_variable entered_;
  std::condition_variable own_free_;
  std::deque<Frame> entries_;
  size_t idle_ = 0;
  size_t threads_ = 0;
  std::unordered_map<uint64_t, Waiter*> waiters_;
  uint64_t last_own_lane_ = 0;
  uint32_t own_asks_ = 0;
  uint64_t credit_ = kLogCredits;
};

}  // namespace novacron::host::sandbox
