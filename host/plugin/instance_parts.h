// The parts of an instance that more than one of its source files know.
#pragma once

#include <atomic>
#include <exception>
#include <mutex>
#include <string>

#include "host/base/duration_stats.h"
#include "host/plugin/instance.h"

namespace novacron::host::plugin {

struct Instance::CallEnd {
  CallEnd(End which, std::shared_ptr<Call> of) : end(which), call(std::move(of)) {}

  const End end;
  const std::shared_ptr<Call> call;
  nc_call id = 0;
  // The callee's.
  /// A queued call is the plugin's once it is in, unless it was moved to the instance's successor before.
  enum class Place : uint8_t { kArriving, kQueued, kIn, kMoved };
  std::atomic<Place> place = Place::kArriving;
  bool goes(Place from, Place to) { return place.compare_exchange_strong(from, to); }
  bool is_moved() const { return place == Place::kMoved; }
  nc_context context = 0;
  Method* method = nullptr;
  uint64_t arrived_ns = 0;
  uint32_t service_index = 0;
  uint32_t method_index = 0;
  // The caller's.
  void* ctx = nullptr;
  Done done = nullptr;
  std::weak_ptr<Call> cause;  ///< what done() and what follows from it are consequences of

  std::mutex mutex;
  std::unique_ptr<ResultView> result;      ///< what wait() handed out
  std::unique_ptr<MessageView> last_read;  ///< what read() handed out
};

struct Instance::Method {
  std::string name;  ///< with its service's: "example.v1.Greeter/Greet"
  uint32_t flags = 0;
  std::atomic<int> overrun_score = 0;
  std::atomic<bool> demoted = false;
  std::atomic<uint64_t> inline_since_ns = 0;  ///< when the run began that is under way on a caller's thread; 0: none
  DurationStats durations;                    ///< from a call's arrival to its result
  std::atomic<uint64_t> errors = 0;
};

struct Instance::Subscription {
  void* ctx = nullptr;
  void (*on_events)(void*, const nc_event* const*, size_t) = nullptr;
  void (*on_end)(void*, nc_code) = nullptr;
  std::atomic<nc_subscription> id = 0;  ///< written after others can find it: stop() may see none yet
  std::mutex mutex;
  uint64_t in_bus = 0;  ///< 0: refused, or not subscribed yet
};

struct Instance::Timer {
  void* ctx = nullptr;
  void (*run)(void*, nc_code) = nullptr;
  std::atomic<nc_timer> id = 0;  ///< likewise
  std::mutex mutex;
  TimerQueue::Id in_queue = 0;
  bool claimed = false;  ///< run() was posted
};

struct Instance::Table {
  static nc_host make(Instance* self);

 private:
  static Instance& of(void* self) { return *static_cast<Instance*>(self); }
  static void add_calls(nc_host& host);
  static void add_contexts_and_events(nc_host& host);
};

template <class Function>
Status Instance::guarded(std::string_view entry, Function&& function) {
  std::string thrown;
  try {
    function();
    return {};
  } catch (const std::exception& exception) {
    thrown = exception.what();
  } catch (...) {
    thrown = "no std::exception";
  }
  return threw(entry, thrown);
}

}  // namespace novacron::host::plugin
