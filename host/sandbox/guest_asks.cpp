// What a plugin in its sandbox asks of the host: each function of nc_host, called here with what came.
#include <cassert>

#include "host/sandbox/descriptors.h"
#include "host/sandbox/guest.h"

namespace novacron::host::sandbox {
namespace {

constexpr size_t kMinFieldBytes = 8;
constexpr uint32_t kMaxFields = 64;

nc_result refused_descriptor() {
  nc_result result{};
  result.size = sizeof(result);
  result.code = NC_PERMISSION_DENIED;
  result.reason = borrow("sandbox.descriptor");
  result.text = borrow("the message has a descriptor that may not enter a sandbox");
  return result;
}

}  // namespace

struct Guest::Asks {
  Guest& guest;
  const nc_host& host;
  In& in;
  Out& out;

  void run(AskOp op);

 private:
  template <class Number>
  Number number() {
    return in.reader.number<Number>();
  }
  void code(nc_code value) { out.writer.number(value); }
  void run_more(AskOp op);
  void connect();
  void call();
  void wait();
  void write();
  void read();
  void finish();
  void context_info();
  void context_hold();
  void publish();
  void subscribe();
  void post();

  // What the host calls back: into the plugin again, on the thread that is told.
  static void done(void* ctx, nc_call call, const nc_result* result);
  static void on_events(void* ctx, const nc_event* const* events, size_t len);
  static void on_end(void* ctx, nc_code why);
  static void run_task(void* ctx, nc_code why);
};

void Guest::Asks::run(AskOp op) {
  switch (op) {
    case AskOp::kConnect:
      return connect();
    case AskOp::kCall:
      return call();
    case AskOp::kWait:
      return wait();
    case AskOp::kWrite:
      return write();
    case AskOp::kRead:
      return read();
    case AskOp::kFinish:
      return finish();
    case AskOp::kContextInfo:
      return context_info();
    case AskOp::kContextHold:
      return context_hold();
    case AskOp::kPublish:
      return publish();
    case AskOp::kSubscribe:
      return subscribe();
    case AskOp::kPost:
      return post();
    default:
      return run_more(op);
  }
}

/// Those that take an id and say nothing.
void Guest::Asks::run_more(AskOp op) {
  if (op == AskOp::kFatal) {
    host.fatal(host.self, get_text(in));
    return code(NC_OK);
  }
  const auto id = number<uint64_t>();
  if (op == AskOp::kCancelled) return code(host.cancelled(host.self, id));
  if (op == AskOp::kCancel) host.cancel(host.self, id);
  if (op == AskOp::kDrop) host.drop(host.self, id);
  if (op == AskOp::kContextDrop) host.context_drop(host.self, id);
  if (op == AskOp::kUnsubscribe) host.unsubscribe(host.self, id);
  if (op == AskOp::kUnpost) host.unpost(host.self, id);
  code(NC_OK);
}

void Guest::Asks::connect() {
  const auto wanted = get_service(in);
  const auto has_target = number<uint8_t>();
  nc_target target{};
  target.size = sizeof(target);
  target.flags = number<uint32_t>();
  target.plugin = get_text(in);
  target.node = get_text(in);
  out.writer.number(host.connect(host.self, &wanted->abi, has_target ? &target : nullptr));
}

void Guest::Asks::call() {
  const auto route = number<nc_route>();
  const auto token = number<uint64_t>();
  auto request = get_request(in);
  request.abi.message = request.message.get();
  Callback* const callback = token != 0 ? guest.keep_callback(token) : nullptr;
  const nc_call call = host.call(host.self, route, &request.abi, callback, callback ? done : nullptr);
  if (call == 0 && callback) guest.forget_callback(*callback);
  out.writer.number(call);
}

void Guest::Asks::wait() {
  const auto call = number<nc_call>();
  const auto until_ns = number<uint64_t>();
  const nc_result* result = nullptr;
  const nc_code waited = host.wait(host.self, call, until_ns, &result);
  code(waited);
  if (waited != NC_OK) return;
  if (!result->message || may_enter(result->message->fds)) return put_result(out, result);
  nc_fds fds = result->message->fds;
  close_all(fds);
  const nc_result refused = refused_descriptor();
  put_result(out, &refused);
}

void Guest::Asks::write() {
  const auto call = number<nc_call>();
  const auto until_ns = number<uint64_t>();
  const MessageIn message = get_message(in);
  code(host.write(host.self, call, message.get(), until_ns));
}

void Guest::Asks::read() {
  const auto call = number<nc_call>();
  const auto until_ns = number<uint64_t>();
  nc_message message{};
  message.size = sizeof(message);
  nc_code got = host.read(host.self, call, &message, until_ns);
  if (got == NC_OK && !may_enter(message.fds)) {
    close_all(message.fds);
    got = NC_PERMISSION_DENIED;
  }
  code(got);
  if (got == NC_OK) put_message(out, &message);
}

void Guest::Asks::finish() {
  const auto call = number<nc_call>();
  ResultIn result = get_result(in);
  result.abi.message = result.message.get();
  code(host.finish(host.self, call, result.abi.size == 0 ? nullptr : &result.abi));
}

void Guest::Asks::context_info() {
  nc_caller caller{};
  caller.size = sizeof(caller);
  const nc_code known = host.context_info(host.self, number<nc_context>(), &caller);
  code(known);
  if (known == NC_OK) put_caller(out, caller);
}

void Guest::Asks::context_hold() {
  const auto context = number<nc_context>();
  const auto until_ns = number<uint64_t>();
  out.writer.number(host.context_hold(host.self, context, until_ns));
}

void Guest::Asks::publish() {
  const auto context = number<nc_context>();
  const nc_event event = get_event(in);
  code(host.publish(host.self, context, &event));
}

void Guest::Asks::subscribe() {
  const auto context = number<nc_context>();
  const auto token = number<uint64_t>();
  Callback* const callback = guest.keep_callback(token);
  nc_interest interest{};
  interest.size = sizeof(interest);
  interest.overflow = number<uint32_t>();
  interest.max_queued = number<uint32_t>();
  interest.max_batch = number<uint32_t>();
  interest.pattern = get_text(in);
  interest.after_revision = number<uint64_t>();
  interest.ctx = callback;
  interest.on_events = on_events;
  interest.on_end = on_end;
  out.writer.number(host.subscribe(host.self, context, &interest));
}

void Guest::Asks::post() {
  nc_task task{};
  task.size = sizeof(task);
  task.not_before_ns = number<uint64_t>();
  Callback* const callback = guest.keep_callback(number<uint64_t>());
  task.ctx = callback;
  task.run = run_task;
  const nc_timer timer = host.post(host.self, &task);
  if (timer == 0) guest.forget_callback(*callback);
  out.writer.number(timer);
}

void Guest::Asks::done(void* ctx, nc_call call, const nc_result* result) {
  const Callback& callback = *static_cast<Callback*>(ctx);
  Guest& guest = *callback.guest;
  Out out;
  out.writer.number(call);
  if (result->message && !may_enter(result->message->fds)) {
    nc_fds fds = result->message->fds;
    close_all(fds);
    const nc_result refused = refused_descriptor();
    put_result(out, &refused);
  } else {
    put_result(out, result);
  }
  guest.call_back(EnterOp::kDone, callback, std::move(out), "a completion");
  guest.forget_callback(callback);
}

void Guest::Asks::on_events(void* ctx, const nc_event* const* events, size_t len) {
  const Callback& callback = *static_cast<Callback*>(ctx);
  Out out;
  out.writer.number(static_cast<uint32_t>(len));
  for (size_t i = 0; i < len; ++i) put_event(out, *events[i]);
  callback.guest->call_back(EnterOp::kEvents, callback, std::move(out), "on_events");
}

void Guest::Asks::on_end(void* ctx, nc_code why) {
  const Callback& callback = *static_cast<Callback*>(ctx);
  Guest& guest = *callback.guest;
  Out out;
  out.writer.number(why);
  guest.call_back(EnterOp::kOnEnd, callback, std::move(out), "on_end");
  guest.forget_callback(callback);
}

void Guest::Asks::run_task(void* ctx, nc_code why) {
  const Callback& callback = *static_cast<Callback*>(ctx);
  Guest& guest = *callback.guest;
  Out out;
  out.writer.number(why);
  guest.call_back(EnterOp::kRun, callback, std::move(out), "a task");
  guest.forget_callback(callback);
}

Out Guest::ask_of(Frame ask) {
  In in(ask.payload, std::move(ask.fds));
  Out out;
  const auto op = static_cast<AskOp>(in.reader.number<uint8_t>());
  const nc_host* const host = host_;
  if (host) Asks{*this, *host, in, out}.run(op);
  return out;
}

/// What a thread of the plugin's own asks may block, so it has a thread here too.
std::string Guest::answer_own(Frame ask) {
  {
    std::lock_guard lock(mutex_);
    if (own_asks_ >= kMaxOwnAsks) return "too many of its threads ask at once";
    ++own_asks_;
  }
  auto shared = std::make_shared<Frame>(std::move(ask));
  const auto over = [self = shared_from_this()] {
    std::lock_guard lock(self->mutex_);
    --self->own_asks_;
  };
  const bool taken = options_.run([this, shared, over] {
    const uint64_t lane = shared->lane;
    if (const auto owner = owner_.lock()) {
      Out out = ask_of(std::move(*shared));
      const Status sent = channel_->send({Kind::kAnswer, lane, out.writer.take(), std::move(out.fds)});
      if (!sent.ok()) kill(sent.error().message);
    }
    over();
  });
  if (taken) return {};
  (void)channel_->send({Kind::kAnswer, shared->lane});
  over();
  return {};
}

std::string Guest::take_log(const Frame& frame) {
  In in(frame.payload);
  const auto level = in.reader.number<int32_t>();
  const nc_str event = get_text(in);
  const uint32_t count = in.reader.count(kMinFieldBytes);
  std::vector<nc_field> fields;
  for (uint32_t i = 0; i < count && i < kMaxFields; ++i) {
    const nc_str key = get_text(in);
    fields.push_back({sizeof(nc_field), 0, key, get_text(in)});
  }
  std::vector<const nc_field*> pointers;
  for (const nc_field& field : fields) pointers.push_back(&field);
  const auto owner = owner_.lock();
  const nc_host* const host = host_;
  if (owner && host) host->log(host->self, level, event, pointers.data(), pointers.size());
  note_line(view(event));
  return ++log_lines_ > kLogCredits ? "it logs beyond its credit" : "";
}

}  // namespace novacron::host::sandbox
