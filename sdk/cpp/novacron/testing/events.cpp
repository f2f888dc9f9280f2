// Events, tasks, the clock and the records of the testing host.
#include <chrono>
#include <cstring>

#include "novacron/testing/core.h"

namespace novacron::testing {
namespace {

// The tests' calendar begins at 2024-01-01.
constexpr uint64_t kRealTimeOffsetNs = 1'704'067'200'000'000'000;

// A condition may also become true by what the host does not see, such as a thread of the plugin's.
constexpr std::chrono::milliseconds kConditionPollMs{5};

std::string_view first_token(std::string_view text) {
  return text.substr(0, text.find('.'));
}
std::string_view after_token(std::string_view text) {
  const size_t dot = text.find('.');
  return dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
}

}  // namespace

bool matches(std::string_view pattern, std::string_view subject) {
  while (!pattern.empty() && !subject.empty()) {
    const std::string_view token = first_token(pattern);
    if (token == ">") return true;
    if (token != "*" && token != first_token(subject)) return false;
    pattern = after_token(pattern);
    subject = after_token(subject);
  }
  return pattern.empty() && subject.empty();
}

Core::Core() {
  test_seat_ = std::make_unique<Seat>(*this, "");
  client_ = std::make_unique<novacron::Host>(&test_seat_->table);
}

Core::~Core() {
  std::vector<nc_call> open;
  {
    const Lock lock(mutex_);
    for (const auto& [id, call] : calls_) open.push_back(id);
  }
  for (const nc_call id : open) cancel(id);
  for (std::thread& thread : threads_) thread.join();
  while (!subscriptions_.empty()) end(subscriptions_.begin()->first, NC_CANCELLED);
  while (!tasks_.empty()) {
    const auto task = tasks_.extract(tasks_.begin());
    task.mapped().run(task.mapped().is_cancellable ? NC_CANCELLED : NC_OK);
  }
}

void Core::moved() {
  ++activity_;
  moved_.notify_all();
}

nc_timer Core::enqueue(uint64_t due_ns, TaskRecord task) {
  task.id = next_id_++;
  const nc_timer id = task.id;
  tasks_.emplace(std::pair(due_ns, id), std::move(task));
  moved();
  return id;
}

nc_timer Core::post(Seat& seat, const nc_task& task) {
  const Lock lock(mutex_);
  return enqueue(task.not_before_ns, {.id = 0,
                                      .plugin = seat.plugin,
                                      .is_cancellable = true,
                                      .run = [run = task.run, ctx = task.ctx](nc_code why) { run(ctx, why); }});
}

void Core::unpost(nc_timer timer) {
  std::function<void(nc_code)> run;
  {
    const Lock lock(mutex_);
    for (auto it = tasks_.begin(); it != tasks_.end(); ++it) {
      if (it->second.id != timer || !it->second.is_cancellable) continue;
      run = std::move(it->second.run);
      tasks_.erase(it);
      break;
    }
  }
  if (run) run(NC_CANCELLED);
}

bool Core::run_one() {
  std::function<void(nc_code)> run;
  {
    const Lock lock(mutex_);
    if (tasks_.empty() || tasks_.begin()->first.first > now_ns_) return false;
    run = std::move(tasks_.begin()->second.run);
    tasks_.erase(tasks_.begin());
  }
  run(NC_OK);
  return true;
}

bool Core::run_until(const std::function<bool()>& condition, uint64_t limit_ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
  while (true) {
    uint64_t seen = 0;
    {
      const Lock lock(mutex_);
      seen = activity_;
    }
    while (run_one()) {
    }
    if (condition()) return true;
    if (std::chrono::steady_clock::now() >= end) return false;
    Lock lock(mutex_);
    moved_.wait_for(lock, kConditionPollMs, [&] { return activity_ != seen; });
  }
}

nc_code Core::publish(const nc_event& raw) {
  PublishedEvent event{.subject = std::string(view(raw.subject)),
                       .tenant = std::string(view(raw.tenant)),
                       .body = {static_cast<const char*>(raw.body.ptr), raw.body.len},
                       .revision = raw.revision};
  if (raw.body.release != nullptr) raw.body.release(raw.body.owner, raw.body.ptr, raw.body.len);
  const Lock lock(mutex_);
  for (const auto& [id, subscription] : subscriptions_) {
    if (matches(subscription.pattern, event.subject)) deliver(subscription, id, event);
  }
  events_.push_back(std::move(event));
  moved();
  return NC_OK;
}

// Under the lock.
void Core::deliver(const SubscriptionRecord& subscription, nc_subscription id, const PublishedEvent& event) {
  const auto run = [this, id, event, raw = subscription.raw](nc_code why) {
    {
      const Lock lock(mutex_);
      if (why != NC_OK || subscriptions_.count(id) == 0) return;
    }
    nc_event out{};
    out.size = sizeof(out);
    out.subject = str(event.subject);
    out.tenant = str(event.tenant);
    out.body = {event.body.data(), event.body.size(), nullptr, nullptr};
    out.revision = event.revision;
    out.time_ns = now(NC_CLOCK_REAL);
    const nc_event* const list[] = {&out};
    raw.on_events(raw.ctx, list, 1);
  };
  enqueue(now_ns_, {.id = 0, .plugin = subscription.plugin, .is_cancellable = true, .run = run});
}

nc_subscription Core::subscribe(Seat& seat, const nc_interest& interest) {
  const Lock lock(mutex_);
  const nc_subscription id = next_id_++;
  SubscriptionRecord record{.raw = interest, .pattern = std::string(view(interest.pattern)), .plugin = seat.plugin};
  record.raw.pattern = {};
  for (const PublishedEvent& event : events_) {
    const bool is_wanted = interest.after_revision != 0 && event.revision > interest.after_revision;
    if (is_wanted && matches(record.pattern, event.subject)) deliver(record, id, event);
  }
  subscriptions_.emplace(id, std::move(record));
  return id;
}

void Core::unsubscribe(nc_subscription subscription) {
  const Lock lock(mutex_);
  const auto found = subscriptions_.find(subscription);
  if (found == subscriptions_.end()) return;
  enqueue(now_ns_,
          {.id = 0, .plugin = found->second.plugin, .is_cancellable = false, .run = [raw = found->second.raw](nc_code) {
             raw.on_end(raw.ctx, NC_CANCELLED);
           }});
  subscriptions_.erase(found);
}

void Core::end(nc_subscription id, nc_code why) {
  nc_interest raw{};
  {
    const Lock lock(mutex_);
    const auto found = subscriptions_.find(id);
    if (found == subscriptions_.end()) return;
    raw = found->second.raw;
    subscriptions_.erase(found);
  }
  raw.on_end(raw.ctx, why);
}

void Core::silence(Seat& seat) {
  std::vector<nc_call> streams;
  std::vector<nc_subscription> subscriptions;
  std::vector<nc_timer> timers;
  {
    const Lock lock(mutex_);
    for (const auto& [id, call] : calls_) {
      if ((call->caller == seat.plugin || call->callee == seat.plugin) && !call->is_finished) streams.push_back(id);
    }
    for (const auto& [id, subscription] : subscriptions_) {
      if (subscription.plugin == seat.plugin) subscriptions.push_back(id);
    }
    for (const auto& [when, task] : tasks_) {
      if (task.plugin == seat.plugin && task.is_cancellable) timers.push_back(task.id);
    }
  }
  for (const nc_call id : streams) cancel(id);
  for (const nc_subscription id : subscriptions) end(id, NC_CANCELLED);
  for (const nc_timer id : timers) unpost(id);
}

void Core::log(int32_t level, nc_str event, const nc_field* const* fields, size_t length) {
  LogRecord record{.level = static_cast<LogLevel>(level), .event = std::string(view(event)), .fields = {}};
  for (size_t i = 0; i < length; ++i) record.fields.emplace_back(view(fields[i]->key), view(fields[i]->value));
  const Lock lock(mutex_);
  logs_.push_back(std::move(record));
  moved();
}

void Core::fatal(std::string_view why) {
  const Lock lock(mutex_);
  fatals_.emplace_back(why);
  moved();
}

uint64_t Core::now(int32_t clock) {
  const Lock lock(mutex_);
  return clock == NC_CLOCK_REAL ? kRealTimeOffsetNs + now_ns_ : now_ns_;
}

void Core::advance(uint64_t ns) {
  const Lock lock(mutex_);
  now_ns_ += ns;
  std::vector<CallPointer> late;
  for (const auto& [id, call] : calls_) {
    if (id == call->client && !call->is_finished && now_ns_ >= call->deadline_ns) late.push_back(call);
  }
  for (const CallPointer& call : late) refuse(*call, NC_DEADLINE_EXCEEDED, "call.deadline", "the call's time is up");
  moved();
}

// SplitMix64: the same in every run.
void Core::random(void* out, size_t length) {
  const Lock lock(mutex_);
  auto* at = static_cast<unsigned char*>(out);
  for (size_t done = 0; done < length; done += sizeof(uint64_t)) {
    random_ += 0x9E3779B97F4A7C15;
    uint64_t value = random_;
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EB;
    value ^= value >> 31U;
    std::memcpy(at + done, &value, std::min(sizeof(value), length - done));
  }
}

std::vector<LogRecord> Core::logs() const {
  const Lock lock(mutex_);
  return logs_;
}

std::vector<PublishedEvent> Core::events() const {
  const Lock lock(mutex_);
  return events_;
}

std::vector<std::string> Core::fatals() const {
  const Lock lock(mutex_);
  return fatals_;
}

std::vector<std::string> Core::calls() const {
  const Lock lock(mutex_);
  return ended_calls_;
}

}  // namespace novacron::testing
