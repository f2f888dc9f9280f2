#include "novacron/watcher.h"

#include <algorithm>
#include <chrono>

#include "novacron/resource.h"

namespace novacron {
namespace {

// A list is one short call a page, so that a stop does not wait long for it.
constexpr uint64_t kListTimeoutNs = 10'000'000'000;

// The stream ended because streams end, not because something is wrong.
bool is_ordinary_end(const Error& error) {
  // The host cancels streams when it is about to quiesce the plugin.
  return error.code == Code::kDeadlineExceeded || error.code == Code::kCancelled || error.reason == "host.moved";
}

}  // namespace

Watcher::Watcher(const Host& host, WatcherOptions options, WatchSink& sink)
    : host_(host), options_(std::move(options)), sink_(sink), client_(host) {}

void Watcher::start() {
  const std::lock_guard control(control_mutex_);
  if (thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = false;
  }
  thread_ = std::thread([this] { run(); });
}

void Watcher::stop() {
  const std::lock_guard control(control_mutex_);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (stream_ != nullptr) stream_->cancel();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watcher::run() {
  while (!is_stopping()) {
    const Status status = follow();
    if (is_stopping()) return;
    if (!status.ok() && status.error().code == Code::kOutOfRange) {
      must_list_ = true;
    } else if (!status.ok() && !is_ordinary_end(status.error())) {
      host_.warn(
          "watch interrupted",
          {{"kind", options_.kind}, {"code", to_string(status.error().code)}, {"error", status.error().message}});
    }
    pause(next_delay_ns());
  }
}

Status Watcher::follow() {
  try {
    if (must_list_) NC_TRY_STATUS(list());
    return watch();
  } catch (const std::exception& error) {
    return Error{.code = Code::kInternal, .message = error.what()};
  }
}

Status Watcher::list() {
  auto all = NC_TRY(
      list_all(client_, {.kind = options_.kind, .tenant = options_.tenant, .label_selector = options_.label_selector},
               kListTimeoutNs));
  if (is_stopping()) return {};
  revision_ = all.revision;
  must_list_ = false;
  sink_.replace(std::move(all.objects), all.revision);
  return {};
}

Status Watcher::watch() {
  auto stream = client_.watch({.kind = options_.kind,
                               .tenant = options_.tenant,
                               .label_selector = options_.label_selector,
                               .after_revision = revision_});
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return {};
    stream_ = &stream;
  }
  Status status;
  while (true) {
    auto event = stream.next();
    if (!event.ok() || !event->has_value()) {
      if (!event.ok()) status = std::move(event).error();
      break;
    }
    failures_ = 0;
    revision_ = std::max(revision_, (*event)->revision);
    sink_.apply(**event);
  }
  const std::lock_guard lock(mutex_);
  stream_ = nullptr;
  return status;
}

bool Watcher::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Watcher::pause(uint64_t delay_ns) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::nanoseconds(delay_ns), [this] { return stopping_; });
}

// Half of the delay is chance, so that many watchers do not come back at once.
uint64_t Watcher::next_delay_ns() {
  const uint64_t doubled = options_.backoff_min_ns << std::min(failures_, 16U);
  const uint64_t delay_ns = std::min(doubled, options_.backoff_max_ns);
  failures_ = std::min(failures_ + 1, 16U);
  return delay_ns / 2 + (delay_ns < 2 ? 0 : host_.random_u64() % (delay_ns / 2));
}

}  // namespace novacron
