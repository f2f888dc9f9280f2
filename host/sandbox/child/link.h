// The sandbox's end of the conversation with the host.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "host/sandbox/abi_wire.h"
#include "host/sandbox/lane_socket.h"
#include "host/sandbox/ops.h"

namespace novacron::host::sandbox {

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
  /// `enter` runs on threads of the link's, one for each lane; what it returns is sent back.
  using Enter = std::function<Out(EnterOp op, In& in)>;
  using Cancel = std::function<void(nc_call)>;

  explicit Link(std::unique_ptr<Channel> channel) : channel_(std::move(channel)) {}

  /// The first frame, on the only thread: what must be done before there are others.
  Status serve_first(const Enter& enter);
  /// Until the host is gone. Never returns.
  [[noreturn]] void serve(Enter enter, Cancel cancel);

  /// `out` begins with its AskOp. [any] Blocks until the host has answered.
  std::unique_ptr<Answer> ask(Out out);
  /// This thread serves an entry, so that it may tell().
  static bool may_tell();
  /// Asks without waiting for an answer. False: the host cannot be told.
  bool tell(Out out);
  /// False: there is no credit, so it is not sent.
  bool log(Out out);

 private:
  struct Waiter {
    std::condition_variable came;
    std::unique_ptr<Frame> answer;
  };
  void dispatch(Frame frame);
  void start_lane(Frame frame);
  void run_lane(LaneSocket& lane);
  std::unique_ptr<Answer> ask_on(LaneSocket& lane, Out out);

  const std::unique_ptr<Channel> channel_;
  Enter enter_;
  Cancel cancel_;
  std::mutex mutex_;
  std::condition_variable own_free_;
  std::unordered_map<uint64_t, Waiter*> waiters_;
  uint64_t last_own_lane_ = 0;
  uint32_t own_asks_ = 0;
  uint64_t credit_ = kLogCredits;
};

}  // namespace novacron::host::sandbox
