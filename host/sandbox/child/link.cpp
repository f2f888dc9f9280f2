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

/// Of the entry that the thread serves; of its own, if it serves none; 0: it has not asked yet.
thread_local uint64_t lane_of_this_thread = 0;

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
  } else if (frame.kind == Kind::kEnter) {
    std::lock_guard lock(mutex_);
    entries_.push_back(std::move(frame));
    if (entries_.size() > idle_) start_thread();
    entered_.notify_one();
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

void Link::start_thread() {
  if (threads_ >= kMaxThreads) return;
  try {
    std::thread([this] { run_entries(); }).detach();
    ++threads_;
  } catch (const std::system_error&) {
    if (threads_ == 0) end(kExitBroken);  // what runs makes room in its time
  }
}

void Link::run_entries() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    entered_.wait(lock, [this] { return !entries_.empty(); });
    --idle_;
    Frame frame = std::move(entries_.front());
    entries_.pop_front();
    lock.unlock();
    run_entry(std::move(frame));
    lock.lock();
  }
}

void Link::run_entry(Frame frame) {
  const uint64_t lane = lane_of_this_thread = frame.lane;
  In in(frame.payload, std::move(frame.fds));
  const auto op = static_cast<EnterOp>(in.reader.number<uint8_t>());
  Out out = enter_(op, in);
  (void)channel_->send({Kind::kReturn, lane, out.writer.take(), std::move(out.fds)});
}

uint64_t Link::lane_of_thread() {
  if (lane_of_this_thread == 0) lane_of_this_thread = kOwnThreadLane | ++last_own_lane_;
  return lane_of_this_thread;
}

std::unique_ptr<Answer> Link::ask(AskOp op, Out out) {
  Writer whole;
  whole.number(static_cast<uint8_t>(op));
  whole.raw(out.writer.take());
  Waiter waiter;
  std::unique_lock lock(mutex_);
  const uint64_t lane = lane_of_thread();
  const bool own = (lane & kOwnThreadLane) != 0;
  if (own) {
    own_free_.wait(lock, [this] { return own_asks_ < kMaxOwnAsks; });
    ++own_asks_;
  }
  waiters_[lane] = &waiter;
  lock.unlock();
  const Status sent = channel_->send({Kind::kAsk, lane, whole.take(), std::move(out.fds)});
  lock.lock();
  // An answer that could not be asked for is an empty one, which nobody takes for sound.
  if (sent.ok()) waiter.came.wait(lock, [&] { return waiter.answer != nullptr; });
  waiters_.erase(lane);
  if (own) {
    --own_asks_;
    own_free_.notify_one();
  }
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
