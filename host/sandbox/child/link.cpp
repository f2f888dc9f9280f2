#include "host/sandbox/child/link.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>

namespace novacron::host::sandbox {
namespace {

constexpr int kExitBroken = 3;

/// Of the thread, if it serves one; else its own number, 0 before it has asked.
thread_local LaneSocket* lane_of_this_thread = nullptr;
thread_local uint64_t own_lane_of_this_thread = 0;

/// Without the host there is nothing to run for, and nobody to tell.
[[noreturn]] void end(int status) {
  ::_exit(status);
}

}  // namespace

Status Link::serve_first(const Enter& enter) {
  pollfd polled{channel_->socket(), POLLIN, 0};
  while (::poll(&polled, 1, -1) < 0 && errno == EINTR) {
  }
  Frame frame = TRY(channel_->receive());
  In in(frame.payload, std::move(frame.fds));
  const auto op = static_cast<EnterOp>(in.reader.number<uint8_t>());
  Out out = enter(op, in);
  return channel_->send({Kind::kReturn, frame.lane, out.writer.take(), std::move(out.fds)});
}

void Link::serve(Enter enter, Cancel cancel) {
  enter_ = std::move(enter);
  cancel_ = std::move(cancel);
  while (true) {
    std::array<pollfd, 2> polled{{{channel_->socket(), POLLIN, 0}, {channel_->wake(), POLLIN, 0}}};
    if (channel_->waiting()) polled[0].events |= POLLOUT;
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) end(kExitBroken);
    if ((polled[0].revents & POLLOUT) != 0 || polled[1].revents != 0) (void)channel_->flush();
    if ((polled[0].revents & ~POLLOUT) == 0) continue;
    auto frame = channel_->receive();
    if (frame.ok()) {
      dispatch(std::move(frame).value());
    } else if (frame.code() != Code::kDeadlineExceeded) {
      end(frame.code() == Code::kUnavailable ? 0 : kExitBroken);
    }
  }
}

void Link::dispatch(Frame frame) {
  if (frame.kind == Kind::kPing) {
    (void)channel_->send({Kind::kPong});
  } else if (frame.kind == Kind::kCancel) {
    cancel_(frame.lane);
  } else if (frame.kind == Kind::kLane) {
    start_lane(std::move(frame));
  } else if (frame.kind == Kind::kCredit) {
    std::lock_guard lock(mutex_);
    credit_ += frame.lane;
  } else if (frame.kind == Kind::kAnswer) {
    std::lock_guard lock(mutex_);
    const auto waiter = waiters_.find(frame.lane);
    if (waiter == waiters_.end()) end(kExitBroken);
    waiter->second->answer = std::make_unique<Frame>(std::move(frame));
    waiter->second->came.notify_one();
  }
}

/// Without a thread its end is closed, by which the host knows.
void Link::start_lane(Frame frame) {
  if (frame.fds.empty() || frame.fds.size() > 2) end(kExitBroken);
  auto memory = frame.fds.size() == 2 ? LaneMemory::map(frame.fds[1]) : nullptr;
  if (frame.fds.size() == 2 && !memory) return;  // the host would put payloads where nobody sees them
  try {
    std::thread([this, socket = std::move(frame.fds[0]), memory = std::move(memory)]() mutable {
      LaneSocket lane(std::move(socket), std::move(memory));
      lane_of_this_thread = &lane;
      run_lane(lane);
    }).detach();
  } catch (const std::system_error&) {
    return;
  }
}

void Link::run_lane(LaneSocket& lane) {
  if (!lane.send({Kind::kPong}).ok()) return;
  while (true) {
    auto frame = lane.receive();
    if (frame.code() == Code::kUnavailable) return;  // the host is gone, or done with this process
    if (!frame.ok() || frame->kind != Kind::kEnter) end(kExitBroken);
    In in(frame->payload, std::move(frame->fds));
    const auto op = static_cast<EnterOp>(in.reader.number<uint8_t>());
    Out out = enter_(op, in);
    if (!lane.send({Kind::kReturn, 0, out.writer.take(), std::move(out.fds)}).ok()) return;
  }
}

std::unique_ptr<Answer> Link::ask_on(LaneSocket& lane, Out out) {
  // An answer that could not be asked for is an empty one, which nobody takes for sound.
  if (!lane.send({Kind::kAsk, 0, out.writer.take(), std::move(out.fds)}).ok()) return std::make_unique<Answer>(Frame{});
  auto answer = lane.receive();
  if (answer.code() == Code::kUnavailable) end(0);
  if (!answer.ok() || answer->kind != Kind::kAnswer) end(kExitBroken);
  return std::make_unique<Answer>(std::move(*answer));
}

bool Link::may_tell() {
  return lane_of_this_thread != nullptr;
}

bool Link::tell(Out out) {
  return lane_of_this_thread->send({Kind::kTell, 0, out.writer.take(), std::move(out.fds)}).ok();
}

std::unique_ptr<Answer> Link::ask(Out out) {
  if (lane_of_this_thread) return ask_on(*lane_of_this_thread, std::move(out));
  Waiter waiter;
  std::unique_lock lock(mutex_);
  uint64_t& lane = own_lane_of_this_thread;
  if (lane == 0) lane = kOwnThreadLane | ++last_own_lane_;
  own_free_.wait(lock, [this] { return own_asks_ < kMaxOwnAsks; });
  ++own_asks_;
  waiters_[lane] = &waiter;
  lock.unlock();
  const Status sent = channel_->send({Kind::kAsk, lane, out.writer.take(), std::move(out.fds)});
  lock.lock();
  if (sent.ok()) waiter.came.wait(lock, [&] { return waiter.answer != nullptr; });
  waiters_.erase(lane);
  --own_asks_;
  own_free_.notify_one();
  return std::make_unique<Answer>(waiter.answer ? std::move(*waiter.answer) : Frame{});
}

bool Link::log(Out out) {
  {
    std::lock_guard lock(mutex_);
    if (credit_ == 0) return false;
    --credit_;
  }
  return channel_->send({Kind::kLog, 0, out.writer.take()}).ok();
}

}  // namespace novacron::host::sandbox
