#include "host/daemon/follower.h"

#include <chrono>
#include <utility>

#include "host/base/log.h"

namespace novacron::host::daemon {

namespace {
constexpr size_t kEventsAtOnce = 64;
constexpr std::chrono::milliseconds kPause{200};

Result<std::vector<resource::Event>> take_all(resource::Watch& watch) {
  std::vector<resource::Event> all;
  while (true) {
    auto some = TRY(watch.take(kEventsAtOnce));
    if (some.empty()) return all;
    all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
}
}  // namespace

Follower::Follower(resource::Store& store, auth::ContextPtr context, std::string name, std::vector<std::string> kinds,
                   Changed changed)
    : store_(store),
      context_(std::move(context)),
      name_(std::move(name)),
      kinds_(std::move(kinds)),
      changed_(std::move(changed)) {}

Follower::~Follower() {
  stop();
}

void Follower::start() {
  thread_ = std::thread([this] { follow(); });
}

void Follower::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Follower::wake() {
  {
    const std::lock_guard lock(mutex_);
    has_news_ = true;
  }
  wake_.notify_all();
}

bool Follower::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

bool Follower::wait_for_change() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return has_news_ || stopping_; });
  has_news_ = false;
  return !stopping_;
}

void Follower::pause() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kPause, [this] { return stopping_; });
}

void Follower::follow() {
  do {
    const Status ended = follow_once();
    if (ended.ok() || is_stopping()) return;
    log_debug(name_, "watch starts anew", {{"why", ended.error().message}});
    pause();
  } while (!is_stopping());
}

Result<Follower::Watches> Follower::watch_all() {
  Watches watches;
  for (const std::string& kind : kinds_) {
    resource::WatchOptions options;
    options.kind = kind;
    watches.push_back(TRY(store_.watch(context_, options, [this] { wake(); })));
  }
  return watches;
}

Status Follower::follow_once() {
  const Watches watches = TRY(watch_all());
  TRY_STATUS(changed_({}));
  while (wait_for_change()) {
    std::vector<resource::Event> events;
    for (const auto& watch : watches) {
      auto news = TRY(take_all(*watch));
      events.insert(events.end(), std::make_move_iterator(news.begin()), std::make_move_iterator(news.end()));
    }
    if (!events.empty()) TRY_STATUS(changed_(events));
  }
  return {};
}

Status each_object(resource::Store& store, const auth::ContextPtr& context, std::string_view kind,
                   const std::function<Status(const resource::ObjectView&)>& work) {
  resource::ListOptions all;
  all.kind = kind;
  do {
    const auto page = TRY(store.list(context, all));
    for (const auto& object : page.objects) TRY_STATUS(work(object));
    all.page_token = page.next_page_token;
  } while (!all.page_token.empty());
  return {};
}

}  // namespace novacron::host::daemon
