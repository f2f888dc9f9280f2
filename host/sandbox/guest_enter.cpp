// How the host's threads enter a plugin in its sandbox, and what they do for it until it returns.
#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstring>

#include "host/base/clock.h"
#include "host/sandbox/guest_table.h"

namespace novacron::host::sandbox {
namespace {

Out isolation_out(const Isolation& isolation) {
  Out out = out_for(EnterOp::kIsolate);
  put(out.writer, isolation);
  return out;
}

void say(nc_error* error, nc_code code, std::string_view text) {
  if (!error) return;
  error->code = code;
  const size_t size = std::min(text.size(), sizeof(error->text) - 1);
  std::memcpy(error->text, text.data(), size);
  error->text[size] = '\0';
}

}  // namespace

/// Isolation, which comes before the sandbox may have threads to serve lanes.
Result<Frame> Guest::enter_first(Out out) {
  const Status sent = channel_->send({Kind::kEnter, 0, out.writer.take(), std::move(out.fds)});
  // A socket that is closed is that of a process which is about to be seen dead.
  if (!sent.ok() && sent.code() != Code::kUnavailable) return sent.error();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return dead_ || first_answer_; });
  if (!first_answer_) return gone();
  return std::move(*first_answer_);
}

/// One thread of the host: from its entry to the plugin's return.
Result<Frame> Guest::enter(Out out, const char* name, uint64_t allowed_ns) {
  Lane& lane = *TRY(take_lane());
  lane.name = name;
  lane.allowed_ns = allowed_ns;
  lane.inside_since_ns = system_clock().monotonic_ns();
  const Status sent = lane.socket.send({Kind::kEnter, 0, out.writer.take(), std::move(out.fds)});
  const bool wait = sent.ok() || sent.code() == Code::kUnavailable;
  auto result = wait ? converse(lane) : Result<Frame>(sent.error());
  lane.inside_since_ns = 0;
  give_lane(lane);
  return result;
}

Result<Frame> Guest::converse(Lane& lane) {
  while (true) {
    auto came = lane.socket.receive();
    if (came.code() == Code::kUnavailable) return lost();
    if (came.ok() && came->kind == Kind::kReturn) return came;
    if (!came.ok() || (came->kind != Kind::kAsk && came->kind != Kind::kTell)) {
      kill(came.ok() ? "it sent a frame that does not belong to a lane" : came.error().message);
      return lost();
    }
    lane.inside_since_ns = 0;
    const bool tells = came->kind == Kind::kTell;
    Out out = ask_of(std::move(*came));
    lane.inside_since_ns = system_clock().monotonic_ns();
    if (tells) continue;
    const Status sent = lane.socket.send({Kind::kAnswer, 0, out.writer.take(), std::move(out.fds)});
    if (!sent.ok() && sent.code() != Code::kUnavailable) kill(sent.error().message);
  }
}

/// A lane has ended: it is dead, or will be, since a plugin has no business with its lanes' sockets.
Error Guest::lost() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, std::chrono::seconds(1), [this] { return dead_; })) {
    lock.unlock();
    kill("it closed the socket of a lane");
    lock.lock();
  }
  changed_.wait(lock, [this] { return dead_; });
  return gone();
}

Result<Guest::Lane*> Guest::take_lane() {
  std::unique_lock lock(mutex_);
  if (dead_) return gone();
  if (!free_lanes_.empty() || no_more_lanes_) return wait_for_lane(lock);
  if (lanes_asked_for_ >= kMaxEntered) {
    return Error{Code::kResourceExhausted, "too many threads are in " + options_.plugin, "sandbox.entered"};
  }
  const LaneHas has = ++lanes_asked_for_ <= kLanesWithMemory ? LaneHas::kMemory : LaneHas::kSocketAlone;
  lock.unlock();
  auto made = make_lane(has);
  if (made.ok()) return made;
  lock.lock();
  if (dead_) return gone();
  no_more_lanes_ = true;
  if (--lanes_asked_for_ == 0) return made.error();
  return wait_for_lane(lock);
}

/// Those that are in it make room in their time.
Result<Guest::Lane*> Guest::wait_for_lane(std::unique_lock<std::mutex>& lock) {
  const bool is_over = changed_.wait_for(lock, std::chrono::nanoseconds(options_.stuck_ns),
                                         [this] { return dead_ || !free_lanes_.empty(); });
  if (dead_) return gone();
  if (!is_over) {
    return Error{Code::kResourceExhausted, options_.plugin + " may not have more threads", "sandbox.threads"};
  }
  Lane* const lane = free_lanes_.back();
  free_lanes_.pop_back();
  return lane;
}

/// Its thread says first that it is there; without one the sandbox closes its end.
Result<Guest::Lane*> Guest::make_lane(LaneHas has) {
  auto ends = TRY(LaneSocket::make());
  Frame frame{Kind::kLane, 0};
  frame.fds.push_back(std::move(ends.second));
  std::unique_ptr<LaneMemory> memory;
  if (has == LaneHas::kMemory) {
    frame.fds.push_back(TRY(LaneMemory::make()));
    memory = LaneMemory::map(frame.fds.back());
    if (!memory) frame.fds.pop_back();
  }
  auto made = std::make_unique<Lane>(std::move(ends.first), std::move(memory));
  Lane* const lane = made.get();
  {
    std::lock_guard lock(mutex_);
    if (dead_) return gone();
    lanes_.push_back(std::move(made));
  }
  TRY_STATUS(channel_->send(std::move(frame)));
  const auto served = TRY(lane->socket.receive());
  if (served.kind == Kind::kPong) return lane;
  return Error{Code::kInternal, "a lane begins with something else", "sandbox.frame"};
}

void Guest::give_lane(Lane& lane) {
  std::lock_guard lock(mutex_);
  free_lanes_.push_back(&lane);
  if (no_more_lanes_) changed_.notify_all();
}

Error Guest::gone() const {
  return {Code::kUnavailable, options_.plugin + " is gone: " + why_, "plugin.died"};
}

std::string Guest::check_lanes(uint64_t now_ns) const {
  std::lock_guard lock(mutex_);
  for (const auto& lane : lanes_) {
    const uint64_t since_ns = lane->inside_since_ns;
    const uint64_t allowed_ns = lane->allowed_ns;
    const bool late = allowed_ns != 0 && since_ns != 0 && now_ns > since_ns + allowed_ns;
    if (late) return std::string("it is stuck in ") + lane->name.load();
  }
  return {};
}

/// Enters it and takes what it returned; its exceptions end it as those of a plugin inside the host do.
nc_code Guest::run(Out out, const char* name, nc_error* error, uint64_t allowed_ns) {
  const auto came = enter(std::move(out), name, allowed_ns);
  if (!came.ok()) {
    say(error, static_cast<nc_code>(came.code()), came.error().message);
    return static_cast<nc_code>(came.code());
  }
  In in(came->payload);
  const auto code = in.reader.number<nc_code>();
  const std::string_view text = in.reader.text();
  if (in.reader.number<uint8_t>() != 0) {
    const std::string why = options_.plugin + " threw an exception from " + name + ": " + std::string(in.reader.text());
    if (const nc_host* host = host_) host->fatal(host->self, borrow(why));
    say(error, NC_INTERNAL, why);
    return NC_INTERNAL;
  }
  say(error, code, text);
  return code;
}

Status Guest::isolate() {
  Out out = isolation_out(options_.isolation);
  out.fds.push_back(TRY(sealed_memfd(options_.library)));
  options_.library = {};
  auto came = TRY(enter_first(std::move(out)));
  In in(came.payload);
  const auto code = in.reader.number<nc_code>();
  const std::string text(in.reader.text());
  layers_ = in.reader.number<Layers>();
  if (code != NC_OK || !in.reader.sound()) {
    return Error{Code::kFailedPrecondition, "the sandbox could not be made: " + text, "sandbox.isolation"};
  }
  TRY_STATUS(check_layers(text));
  if (options_.isolation.network != Network::kReach) return {};
  if (came.fds.size() != 1) return Error{Code::kInternal, "the sandbox has no filter to listen to", "sandbox.network"};
  return open_gate(std::move(came.fds[0]));
}

Status Guest::check_layers(const std::string& why_not) const {
  const Layers lacking = (options_.isolation.required | needed_layers(options_.isolation)) & ~layers_;
  if (lacking == 0) return {};
  return Error{Code::kFailedPrecondition,
               "this machine does not have the layers of a sandbox that are required: " + names_of(lacking) +
                   (why_not.empty() ? "" : " (" + why_not + ")"),
               "sandbox.layers"};
}

Status Guest::open_gate(Fd listener) {
  std::lock_guard lock(mutex_);
  if (!process_) return gone();
  gatekeeper_ = TRY(Gatekeeper::start({options_.plugin, *options_.isolation.reach, std::move(listener), process_->pid(),
                                       process_->pidfd(), !options_.isolation.paths.empty(), options_.run}));
  return {};
}

Status Guest::load() {
  TRY_STATUS(isolate());
  auto came = TRY(enter(out_for(EnterOp::kLoad), "load", 0));
  descriptor_ = std::make_unique<Descriptor>();
  descriptor_->payload = std::move(came.payload);
  In in(descriptor_->payload);
  const auto code = in.reader.number<nc_code>();
  const std::string text(in.reader.text());
  if (code != NC_OK) return Error{Code::kFailedPrecondition, text, "plugin.load-failed"};
  return take_descriptor(in);
}

/// What a trusted plugin's own table would say, from what came.
Status Guest::take_descriptor(In& in) {
  const auto bits = in.reader.number<uint32_t>();
  Table::fill(table_, bits);
  if (in.reader.number<uint8_t>() == 0) return {};  // a table without a descriptor is refused by whoever looks at it
  nc_descriptor& abi = descriptor_->abi;
  abi.size = in.reader.number<uint32_t>();
  abi.flags = in.reader.number<uint32_t>();
  abi.id = get_text(in);
  abi.version = get_text(in);
  abi.vendor = get_text(in);
  abi.contracts_sha256 = get_text(in);
  for (uint32_t left = in.reader.count(sizeof(uint64_t)); left > 0; --left) {
    descriptor_->services.push_back(get_service(in));
    descriptor_->pointers.push_back(&descriptor_->services.back()->abi);
  }
  abi.services = descriptor_->pointers.data();
  abi.services_len = descriptor_->pointers.size();
  table_.descriptor = &abi;
  if (in.reader.sound()) return {};
  return Error{Code::kFailedPrecondition, "the sandbox told of a malformed descriptor", "plugin.load-failed"};
}

Guest::Callback* Guest::keep_callback(uint64_t token) {
  std::lock_guard lock(mutex_);
  auto& kept = callbacks_[++last_callback_];
  kept = std::make_unique<Callback>(Callback{this, token, last_callback_});
  return kept.get();
}

void Guest::forget_callback(const Callback& callback) {
  std::lock_guard lock(mutex_);
  callbacks_.erase(callback.number);
}

void Guest::call_back(EnterOp op, const Callback& callback, Out out, const char* name) {
  Out whole = out_for(op);
  whole.writer.number(callback.token);
  const std::string rest = out.writer.take();
  whole.writer.raw(rest);
  whole.fds = std::move(out.fds);
  (void)run(std::move(whole), name, nullptr, options_.stuck_ns);
}

}  // namespace novacron::host::sandbox
