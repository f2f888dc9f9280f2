#include "sdk/boundary/host_side.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "sdk/boundary/boundary.h"
#include "sdk/boundary/frame.h"

namespace novacron::boundary {
namespace {

// Loans of context_info() that run at once; beyond, the host's own texts are given.
constexpr size_t kMaxCallers = 256;

constexpr const char* kIdsRule = "RULE 4: objects are named by ids that the host gave; a stale one is a fault";

uint64_t number_of(nc_code code) {
  return static_cast<uint32_t>(code);
}

}  // namespace

/// One function for each of nc_host; `self` is the Boundary.
struct HostSide {
  static Boundary& at(void* self) {
    auto& boundary = *static_cast<Boundary*>(self);
    if (boundary.options_.before_host_call) boundary.options_.before_host_call();
    return boundary;
  }
  static Entry entry(Boundary& boundary, const char* name) { return boundary.entry(name, Frame::lane_now()); }
  static const nc_host& host(Boundary& boundary) { return *boundary.host_; }

  // Basics

  static const void* get_extension(void* self, const char* id) {
    Boundary& b = at(self);
    const void* const table = host(b).get_extension(host(b).self, id);
    entry(b, "host.get_extension").bytes("id", id, std::strlen(id)).number("returned", table != nullptr ? 1 : 0);
    return table;
  }

  static void log(void* self, int32_t level, nc_str event, const nc_field* const* fields, size_t length) {
    Boundary& b = at(self);
    Entry line = entry(b, "host.log");
    line.number("level", static_cast<uint32_t>(level)).text("event", event).number("fields", length);
    for (size_t i = 0; i < length; ++i) {
      const std::string number = std::to_string(i);
      line.text(("key" + number).c_str(), fields[i]->key).text(("value" + number).c_str(), fields[i]->value);
    }
    if (level < NC_LOG_DEBUG || level > NC_LOG_ERROR) {
      b.find(Subject::kStructs, "log() was given the level " + std::to_string(level), "NC_LOG_DEBUG to NC_LOG_ERROR",
             "use one of the NC_LOG_ levels");
    }
    host(b).log(host(b).self, level, event, fields, length);
  }

  static uint64_t now(void* self, int32_t clock) {
    Boundary& b = at(self);
    const uint64_t time_ns = host(b).now(host(b).self, clock);
    entry(b, "host.now").number("clock", static_cast<uint32_t>(clock)).number("returned", time_ns);
    return time_ns;
  }

  static void random(void* self, void* out, size_t length) {
    Boundary& b = at(self);
    host(b).random(host(b).self, out, length);
    entry(b, "host.random").number("length", length).bytes("out", out, length);
  }

  static void fatal(void* self, nc_str why) {
    Boundary& b = at(self);
    entry(b, "host.fatal").text("why", why);
    b.find(Subject::kResult, "it asked to be quarantined: " + std::string(why.ptr, why.len), "fatal: quarantine me",
           "find out why by its own words");
    host(b).fatal(host(b).self, why);
  }

  // As a caller

  static nc_route connect(void* self, const nc_service* wanted, const nc_target* target) {
    Boundary& b = at(self);
    const nc_route route = host(b).connect(host(b).self, wanted, target);
    Entry line = entry(b, "host.connect");
    line.text("service", wanted->name).number("methods", wanted->methods_len);
    for (size_t i = 0; i < wanted->methods_len; ++i) {
      line.text(("method" + std::to_string(i)).c_str(), wanted->methods[i]->name);
    }
    if (target != nullptr) line.text("plugin", target->plugin).text("node", target->node);
    line.id("returned", "route", route);
    const std::lock_guard lock(b.mutex_);
    b.remember(b.routes_, route);
    return route;
  }

  struct Completion {
    Boundary& boundary;
    void* ctx;
    void (*done)(void* ctx, nc_call call, const nc_result* result);

    static void run(void* ctx, nc_call call, const nc_result* result) {
      const std::unique_ptr<Completion> self(static_cast<Completion*>(ctx));
      Boundary& b = self->boundary;
      const auto slot = b.hold_slot();
      const uint64_t lane = b.begin([&](uint64_t number) {
        b.entry("done", 0).number("lane_of", number).id("call", "call", call).result(*result);
      });
      {
        Loan loan(b.options_.memory);
        const Frame frame("done", Frame::Wait::kMay, lane);
        self->done(self->ctx, call, loan.result(result));
      }
      b.entry("done.end", lane);
      const std::lock_guard lock(b.mutex_);
      b.made_[call].is_over = true;
    }
  };

  static nc_call call(void* self, nc_route route, const nc_request* request, void* ctx,
                      void (*done)(void*, nc_call, const nc_result*)) {
    Boundary& b = at(self);
    b.check_message("call()", request->message);
    b.check_context("call", request->context);
    if (route != 0) b.check_route(route);
    Entry line = entry(b, "host.call");
    line.id("route", "route", route).number("method", request->method).id("context", "context", request->context);
    line.number("deadline_ns", request->deadline_ns).message("", request->message);
    line.text("idempotency_key", request->idempotency_key).number("done", done != nullptr ? 1 : 0);
    void* const given = done == nullptr ? ctx : new Completion{b, ctx, done};
    const nc_call made = host(b).call(host(b).self, route, request, given, done == nullptr ? nullptr : Completion::run);
    line.id("returned", "call", made);
    const std::lock_guard lock(b.mutex_);
    b.made_[made].has_done = done != nullptr;
    ++b.calls_made_;
    b.forget_old_calls();
    return made;
  }

  static nc_code wait(void* self, nc_call call, uint64_t until_ns, const nc_result** result) {
    Boundary& b = at(self);
    b.check_wait("wait");
    b.check_made("wait", call);
    const nc_code code = host(b).wait(host(b).self, call, until_ns, result);
    Entry line = entry(b, "host.wait");
    line.id("call", "call", call).number("until_ns", until_ns).number("returned", number_of(code));
    if (code != NC_OK) return code;
    line.result(**result);
    const std::lock_guard lock(b.mutex_);
    Boundary::Made& made = b.made_[call];
    if (made.lent == nullptr) {
      made.result = std::make_unique<Loan>(b.options_.memory);
      made.lent = made.result->result(*result);
    }
    *result = made.lent;
    return code;
  }

  static void cancel(void* self, nc_call call) {
    Boundary& b = at(self);
    entry(b, "host.cancel").id("call", "call", call);
    b.check_made("cancel", call);
    host(b).cancel(host(b).self, call);
  }

  static void drop(void* self, nc_call call) {
    Boundary& b = at(self);
    entry(b, "host.drop").id("call", "call", call);
    b.check_made("drop", call);
    host(b).drop(host(b).self, call);
    const std::lock_guard lock(b.mutex_);
    const auto found = b.made_.find(call);
    if (found == b.made_.end() || found->second.has_done) return;
    found->second.is_over = true;
    found->second.result.reset();
    found->second.lent = nullptr;
    b.read_.erase(call);
  }

  // At either end

  static nc_code write(void* self, nc_call call, const nc_message* message, uint64_t until_ns) {
    Boundary& b = at(self);
    b.check_wait("write");
    b.check_message("write()", message);
    b.check_end("write", call);
    Entry line = entry(b, "host.write");
    line.id("call", "call", call).message("", message).number("until_ns", until_ns);
    const nc_code code = host(b).write(host(b).self, call, message, until_ns);
    line.number("returned", number_of(code));
    return code;
  }

  static nc_code read(void* self, nc_call call, nc_message* message, uint64_t until_ns) {
    Boundary& b = at(self);
    b.check_wait("read");
    b.check_end("read", call);
    {
      const std::lock_guard lock(b.mutex_);
      b.read_.erase(call);
    }
    const nc_code code = host(b).read(host(b).self, call, message, until_ns);
    Entry line = entry(b, "host.read");
    line.id("call", "call", call).number("until_ns", until_ns).number("returned", number_of(code));
    if (code != NC_OK) return code;
    line.message("", message);
    auto loan = std::make_unique<Loan>(b.options_.memory);
    message->body = loan->body(message->body, "what read() gave");
    const std::lock_guard lock(b.mutex_);
    b.read_[call] = std::move(loan);
    return code;
  }

  // As a callee

  static nc_code finish(void* self, nc_call call, const nc_result* result) {
    Boundary& b = at(self);
    b.check_result(*result);
    Entry line = entry(b, "host.finish");
    line.id("call", "call", call).result(*result);
    b.check_finish(call);
    const nc_code code = host(b).finish(host(b).self, call, result);
    line.number("returned", number_of(code));
    return code;
  }

  static int32_t cancelled(void* self, nc_call call) {
    Boundary& b = at(self);
    b.check_end("cancelled", call);
    const int32_t is_cancelled = host(b).cancelled(host(b).self, call);
    entry(b, "host.cancelled").id("call", "call", call).number("returned", static_cast<uint32_t>(is_cancelled));
    return is_cancelled;
  }

  static nc_code context_info(void* self, nc_context context, nc_caller* out) {
    Boundary& b = at(self);
    b.check_context("context_info", context);
    const nc_code code = host(b).context_info(host(b).self, context, out);
    Entry line = entry(b, "host.context_info");
    line.id("context", "context", context).number("returned", number_of(code));
    if (code != NC_OK) return code;
    line.text("principal", out->principal).text("tenant", out->tenant).text("plugin", out->plugin);
    line.text("node", out->node).text("trace_parent", out->trace_parent);
    const std::lock_guard lock(b.mutex_);
    if (b.callers_.size() >= kMaxCallers) return code;
    Loan loan(b.options_.memory);
    for (nc_str* text : {&out->principal, &out->tenant, &out->plugin, &out->node, &out->trace_parent}) {
      *text = loan.text(*text, "a text of context_info()");
    }
    b.callers_.push_back(std::move(loan));
    return code;
  }

  static nc_context context_hold(void* self, nc_context context, uint64_t until_ns) {
    Boundary& b = at(self);
    b.check_context("context_hold", context);
    const nc_context held = host(b).context_hold(host(b).self, context, until_ns);
    entry(b, "host.context_hold")
        .id("context", "context", context)
        .number("until_ns", until_ns)
        .id("returned", "context", held);
    const std::lock_guard lock(b.mutex_);
    if (held != 0) b.held_.insert(held);
    return held;
  }

  static void context_drop(void* self, nc_context context) {
    Boundary& b = at(self);
    entry(b, "host.context_drop").id("context", "context", context);
    bool is_held = false;
    {
      const std::lock_guard lock(b.mutex_);
      is_held = b.held_.erase(context) > 0;
    }
    if (!is_held) {
      b.find(Subject::kIds,
             "context_drop() was given a context that context_hold() never gave, or that was dropped before", kIdsRule,
             "drop what context_hold() returned, once");
    }
    host(b).context_drop(host(b).self, context);
  }

  // Events and timers

  static uint64_t next(Boundary& b, uint64_t& counter) {
    const std::lock_guard lock(b.mutex_);
    return ++counter;
  }

  static nc_code publish(void* self, nc_context context, const nc_event* event) {
    Boundary& b = at(self);
    b.check_context("publish", context);
    Entry line = entry(b, "host.publish");
    line.id("context", "context", context).text("subject", event->subject).text("tenant", event->tenant);
    line.bytes("body", event->body.ptr, event->body.len).number("revision", event->revision);
    const nc_code code = host(b).publish(host(b).self, context, event);
    line.number("returned", number_of(code));
    return code;
  }

  struct Listener {
    Boundary& boundary;
    nc_interest interest;
    uint64_t number;

    static void note(const Listener& self, const nc_event* const* events, size_t length, uint64_t lane) {
      for (size_t i = 0; i < length; ++i) {
        self.boundary.entry("event", 0)
            .number("lane_of", lane)
            .id("listener", "listener", self.number)
            .number("more", length - i - 1)
            .text("subject", events[i]->subject)
            .text("tenant", events[i]->tenant)
            .bytes("body", events[i]->body.ptr, events[i]->body.len)
            .number("revision", events[i]->revision)
            .number("time_ns", events[i]->time_ns)
            .number("missed", events[i]->missed);
      }
    }

    static void on_events(void* ctx, const nc_event* const* events, size_t length) {
      const Listener& self = *static_cast<Listener*>(ctx);
      Boundary& b = self.boundary;
      const auto slot = b.hold_slot();
      const uint64_t lane = b.begin([&](uint64_t number) { note(self, events, length, number); });
      {
        Loan loan(b.options_.memory);
        const Frame frame("on_events", Frame::Wait::kMay, lane);
        self.interest.on_events(self.interest.ctx, loan.events(events, length), length);
      }
      b.entry("event.end", lane);
    }

    static void on_end(void* ctx, nc_code why) {
      const std::unique_ptr<Listener> self(static_cast<Listener*>(ctx));
      Boundary& b = self->boundary;
      const auto slot = b.hold_slot();
      const uint64_t lane = b.begin([&](uint64_t number) {
        b.entry("on_end", 0)
            .number("lane_of", number)
            .id("listener", "listener", self->number)
            .number("why", number_of(why));
      });
      {
        const Frame frame("on_end", Frame::Wait::kMay, lane);
        self->interest.on_end(self->interest.ctx, why);
      }
      b.entry("on_end.end", lane);
    }
  };

  static nc_subscription subscribe(void* self, nc_context context, const nc_interest* interest) {
    Boundary& b = at(self);
    b.check_context("subscribe", context);
    nc_interest given{};
    std::memcpy(&given, interest, std::min<size_t>(interest->size, sizeof(given)));
    auto* const listener = new Listener{b, given, next(b, b.listeners_)};
    const uint64_t number = listener->number;  // it may be gone when subscribe() returns
    given.ctx = listener;
    given.on_events = Listener::on_events;
    given.on_end = Listener::on_end;
    const nc_subscription subscription = host(b).subscribe(host(b).self, context, &given);
    entry(b, "host.subscribe")
        .id("context", "context", context)
        .text("pattern", interest->pattern)
        .number("after_revision", interest->after_revision)
        .id("listener", "listener", number)
        .id("returned", "subscription", subscription);
    const std::lock_guard lock(b.mutex_);
    b.remember(b.subscriptions_, subscription);
    return subscription;
  }

  static void unsubscribe(void* self, nc_subscription subscription) {
    Boundary& b = at(self);
    entry(b, "host.unsubscribe").id("subscription", "subscription", subscription);
    bool is_known = false;
    {
      const std::lock_guard lock(b.mutex_);
      is_known = b.subscriptions_.contains(subscription);
    }
    if (!is_known) {
      b.find(Subject::kIds, "unsubscribe() was given a subscription that subscribe() never gave", kIdsRule,
             "keep what subscribe() returned");
    }
    host(b).unsubscribe(host(b).self, subscription);
  }

  struct Timing {
    Boundary& boundary;
    nc_task task;
    uint64_t number;

    static void run(void* ctx, nc_code why) {
      const std::unique_ptr<Timing> self(static_cast<Timing*>(ctx));
      Boundary& b = self->boundary;
      const auto slot = b.hold_slot();
      const uint64_t lane = b.begin([&](uint64_t number) {
        b.entry("task", 0).number("lane_of", number).id("timing", "timing", self->number).number("why", number_of(why));
      });
      {
        const Frame frame("a task", Frame::Wait::kMay, lane);
        self->task.run(self->task.ctx, why);
      }
      b.entry("task.end", lane);
    }
  };

  static nc_timer post(void* self, const nc_task* task) {
    Boundary& b = at(self);
    nc_task given = *task;
    auto timing = std::make_unique<Timing>(Timing{b, given, next(b, b.timings_)});
    const uint64_t number = timing->number;  // it may be gone when post() returns
    given.size = sizeof(given);
    given.ctx = timing.get();
    given.run = Timing::run;
    const nc_timer timer = host(b).post(host(b).self, &given);
    if (timer != 0) (void)timing.release();
    entry(b, "host.post")
        .number("not_before_ns", task->not_before_ns)
        .id("timing", "timing", number)
        .id("returned", "timer", timer);
    const std::lock_guard lock(b.mutex_);
    b.remember(b.timers_, timer);
    return timer;
  }

  static void unpost(void* self, nc_timer timer) {
    Boundary& b = at(self);
    entry(b, "host.unpost").id("timer", "timer", timer);
    bool is_known = false;
    {
      const std::lock_guard lock(b.mutex_);
      is_known = b.timers_.contains(timer);
    }
    if (!is_known) {
      b.find(Subject::kIds, "unpost() was given a timer that post() never gave", kIdsRule, "keep what post() returned");
    }
    host(b).unpost(host(b).self, timer);
  }
};

nc_host host_table(Boundary* boundary, const nc_host* host) {
  using S = HostSide;
  nc_host table{host->size, host->abi_minor, boundary,        S::get_extension, S::log,
                S::now,     S::random,       S::fatal,        S::connect,       S::call,
                S::wait,    S::cancel,       S::drop,         S::write,         S::read,
                S::finish,  S::cancelled,    S::context_info, S::context_hold,  S::context_drop,
                S::publish, S::subscribe,    S::unsubscribe,  S::post,          S::unpost};
  table.size = static_cast<uint32_t>(std::min<size_t>(host->size, sizeof(table)));
  return table;
}

}  // namespace novacron::boundary
