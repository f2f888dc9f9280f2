#include "novacron/host.h"

#include <algorithm>
#include <atomic>

namespace novacron {
namespace {

struct Task {
  const nc_host* host;
  std::function<void()> run;
};

void log_escape(const nc_host* host, std::string_view what) {
  host->log(host->self, NC_LOG_ERROR, str(what), nullptr, 0);
}

// No exception may reach the host.
template <class Function>
void shielded(const nc_host* host, Function&& function) noexcept {
  try {
    function();
  } catch (const std::exception& error) {
    log_escape(host, std::string("a callback threw: ") + error.what());
  } catch (...) {
    log_escape(host, "a callback threw");
  }
}

void run_task(void* ctx, nc_code why) {
  const std::unique_ptr<Task> task(static_cast<Task*>(ctx));
  if (why == NC_OK) shielded(task->host, task->run);
}

Event event_of(const nc_event& raw) {
  return {.subject = view(raw.subject),
          .tenant = view(raw.tenant),
          .trace_parent = view(raw.trace_parent),
          .body = {static_cast<const char*>(raw.body.ptr), raw.body.len},
          .revision = raw.revision,
          .time_ns = raw.time_ns,
          .missed = raw.missed};
}

}  // namespace

struct Subscription::Shared {
  const nc_host* host;
  std::function<void(const Event&)> on_event;
  std::function<void(Code)> on_end;
  std::atomic<bool> is_open{true};

  static void deliver(void* ctx, const nc_event* const* events, size_t length) {
    const std::shared_ptr<Shared> self = *static_cast<std::shared_ptr<Shared>*>(ctx);
    for (size_t i = 0; i < length; ++i) {
      if (self->is_open) shielded(self->host, [&] { self->on_event(event_of(*events[i])); });
      if (events[i]->body.release != nullptr) {
        events[i]->body.release(events[i]->body.owner, events[i]->body.ptr, events[i]->body.len);
      }
    }
  }

  static void end(void* ctx, nc_code why) {
    const std::unique_ptr<std::shared_ptr<Shared>> self(static_cast<std::shared_ptr<Shared>*>(ctx));
    if ((*self)->is_open && (*self)->on_end) {
      shielded((*self)->host, [&] { (*self)->on_end(static_cast<Code>(why)); });
    }
  }
};

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  reset();
  host_ = other.host_;
  id_ = other.id_;
  shared_ = std::move(other.shared_);
  return *this;
}

void Subscription::reset() {
  if (!shared_) return;
  shared_->is_open = false;
  shared_.reset();
  host_->unsubscribe(host_->self, id_);
}

void Host::log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const {
  std::vector<nc_field> raw;
  std::vector<const nc_field*> pointers;
  raw.reserve(fields.size());
  for (const LogField& field : fields) {
    raw.push_back({sizeof(nc_field), 0, str(field.key), str(field.value)});
    pointers.push_back(&raw.back());
  }
  table_->log(table_->self, static_cast<int32_t>(level), str(event), pointers.data(), pointers.size());
}

uint64_t Host::random_u64() const {
  uint64_t value = 0;
  random(&value, sizeof(value));
  return value;
}

Route Host::connect(const nc_service& service, const Target& target) const {
  const nc_target raw{sizeof(nc_target), target.flags, str(target.plugin), str(target.node)};
  return {table_, table_->connect(table_->self, &service, &raw), &service};
}

Status Host::publish(std::string_view subject, std::string_view body, const PublishOptions& options) const {
  nc_event event{};
  event.size = sizeof(event);
  event.subject = str(subject);
  event.tenant = str(options.tenant);
  event.body = {body.data(), body.size(), nullptr, nullptr};
  event.revision = options.revision;
  event.time_ns = real_ns();
  const nc_code code = table_->publish(table_->self, options.context, &event);
  if (code == NC_OK) return {};
  return Error{.code = static_cast<Code>(code), .message = "publishing " + std::string(subject) + " was refused"};
}

Subscription Host::subscribe(const Interest& interest, std::function<void(const Event&)> on_event,
                             std::function<void(Code)> on_end) const {
  Subscription out;
  out.host_ = table_;
  out.shared_ = std::make_shared<Subscription::Shared>();
  out.shared_->host = table_;
  out.shared_->on_event = std::move(on_event);
  out.shared_->on_end = std::move(on_end);
  nc_interest raw{};
  raw.size = sizeof(raw);
  raw.overflow = static_cast<uint32_t>(interest.overflow);
  raw.max_queued = interest.max_queued;
  raw.max_batch = interest.max_batch;
  raw.pattern = str(interest.pattern);
  raw.after_revision = interest.after_revision;
  raw.ctx = new std::shared_ptr<Subscription::Shared>(out.shared_);
  raw.on_events = Subscription::Shared::deliver;
  raw.on_end = Subscription::Shared::end;
  out.id_ = table_->subscribe(table_->self, interest.context, &raw);
  return out;
}

nc_timer Host::post(std::function<void()> run, uint64_t delay_ns) const {
  auto task = std::make_unique<Task>(Task{table_, std::move(run)});
  const nc_task raw{sizeof(nc_task), 0, delay_ns == 0 ? 0 : now_ns() + delay_ns, task.get(), run_task};
  // The host may run and free the task before post() returns: it owns the task unless it refuses.
  Task* const given = task.release();
  const nc_timer timer = table_->post(table_->self, &raw);
  if (timer == 0) delete given;
  return timer;
}

void Host::add(Background& background) {
  const std::lock_guard lock(mutex_);
  background_.push_back(&background);
}

void Host::remove(Background& background) {
  const std::lock_guard lock(mutex_);
  std::erase(background_, &background);
}

void Host::stop_background() {
  std::vector<Background*> all;
  {
    const std::lock_guard lock(mutex_);
    all = background_;
  }
  for (Background* background : all) background->stop();
}

}  // namespace novacron
