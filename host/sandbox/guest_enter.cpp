// How the host's threads enter a plugin in its sandbox, and what they do for it until it returns.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "host/base/clock.h"
#include "host/sandbox/guest_table.h"

namespace novacron::host::sandbox {
namespace {

Out isolation_out(const Isolation& isolation) {
  Out out;
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

/// One thread of the host: from its entry to the plugin's return.
Result<Frame> Guest::enter(EnterOp op, Out out, const char* name, uint64_t allowed_ns) {
  Writer header;
  header.number(static_cast<uint8_t>(op));
  Frame frame{Kind::kEnter, 0, header.take() + out.writer.take(), std::move(out.fds)};
  Lane lane;
  lane.name = name;
  lane.allowed_ns = allowed_ns;
  std::unique_lock lock(mutex_);
  if (dead_) return gone();
  if (lanes_.size() >= kMaxEntered) {
    return Error{Code::kResourceExhausted, "too many threads are in " + options_.plugin, "sandbox.entered"};
  }
  const uint64_t id = frame.lane = ++last_lane_;
  lanes_[id] = &lane;
  lane.inside_since_ns = system_clock().monotonic_ns();
  lock.unlock();
  const Status sent = channel_->send(std::move(frame));
  lock.lock();
  // A socket that is closed is that of a process which is about to be seen dead.
  const bool wait = sent.ok() || sent.code() == Code::kUnavailable;
  auto result = wait ? converse(lock, lane) : Result<Frame>(sent.error());
  lanes_.erase(id);
  return result;
}

Result<Frame> Guest::converse(std::unique_lock<std::mutex>& lock, Lane& lane) {
  while (true) {
    lane.changed.wait(lock, [&] { return dead_ || !lane.came.empty(); });
    if (lane.came.empty()) return gone();
    Frame frame = std::move(lane.came.front());
    lane.came.pop_front();
    if (frame.kind == Kind::kReturn) return frame;
    lane.inside_since_ns = 0;
    lock.unlock();
    answer(std::move(frame));
    lock.lock();
    lane.inside_since_ns = system_clock().monotonic_ns();
  }
}

Error Guest::gone() const {
  return {Code::kUnavailable, options_.plugin + " is gone: " + why_, "plugin.died"};
}

std::string Guest::check_lanes(uint64_t now_ns) const {
  std::lock_guard lock(mutex_);
  for (const auto& [id, lane] : lanes_) {
    const bool late =
        lane->allowed_ns != 0 && lane->inside_since_ns != 0 && now_ns > lane->inside_since_ns + lane->allowed_ns;
    if (late) return std::string("it is stuck in ") + lane->name;
  }
  return {};
}

/// Enters it and takes what it returned; its exceptions end it as those of a plugin inside the host do.
nc_code Guest::run(EnterOp op, Out out, const char* name, nc_error* error, uint64_t allowed_ns) {
  const auto came = enter(op, std::move(out), name, allowed_ns);
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
  auto came = TRY(enter(EnterOp::kIsolate, std::move(out), "isolation", 0));
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
                                       process_->pidfd(), options_.run}));
  return {};
}

Status Guest::load() {
  TRY_STATUS(isolate());
  auto came = TRY(enter(EnterOp::kLoad, {}, "load", 0));
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
  Out whole;
  whole.writer.number(callback.token);
  const std::string rest = out.writer.take();
  whole.writer.raw(rest);
  whole.fds = std::move(out.fds);
  (void)run(op, std::move(whole), name, nullptr, options_.stuck_ns);
}

}  // namespace novacron::host::sandbox
