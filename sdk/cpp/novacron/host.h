// What the host offers to a plugin. All of it may be called from [any] thread and never blocks.
#pragma once

#include <novacron/plugin.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "novacron/channel.h"
#include "novacron/result.h"

namespace novacron {

enum class LogLevel : int32_t {
  kDebug = NC_LOG_DEBUG,
  kInfo = NC_LOG_INFO,
  kWarn = NC_LOG_WARN,
  kError = NC_LOG_ERROR
};

struct LogField {
  std::string key;
  std::string value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  template <class Number>
  requires std::is_arithmetic_v<Number> LogField(std::string_view k, Number v) : key(k), value(std::to_string(v)) {}
};

/// Which provider of a service: each part that is empty is the host's choice.
struct Target {
  std::string plugin = {};
  std::string node = {};
  uint32_t flags = 0;  ///< NC_TARGET_LOCAL_ONLY
};

/// A way to a service. It outlives upgrades, moves and absence of the provider: it is resolved at each call.
struct Route {
  const nc_host* host = nullptr;
  nc_route id = 0;
  const nc_service* service = nullptr;
};

/// An event as its handler sees it; valid until the handler returns.
struct Event {
  std::string_view subject;
  std::string_view tenant;
  std::string_view trace_parent;
  std::string_view body;
  uint64_t revision = 0;  ///< of the state that it derives from; 0: none
  uint64_t time_ns = 0;   ///< since 1970-01-01 UTC
  uint64_t missed = 0;    ///< events lost just before this one
};

enum class Overflow : uint32_t { kEnd = NC_OVERFLOW_END, kDropOldest = NC_OVERFLOW_DROP_OLDEST };

struct Interest {
  std::string pattern;          ///< "vm.*", "plugin.>"
  uint64_t after_revision = 0;  ///< 0: from now
  Overflow overflow = Overflow::kEnd;
  uint32_t max_queued = 0;  ///< 0: the host's default
  uint32_t max_batch = 0;   ///< 0: the host's default
  nc_context context = 0;   ///< 0: the plugin itself
};

struct PublishOptions {
  std::string_view tenant = {};
  nc_context context = 0;
  uint64_t revision = 0;
};

/// Ends with its owner. No handler begins after its destructor, on a plugin that is not reentrant none runs either.
class Subscription {
 public:
  Subscription() = default;
  Subscription(Subscription&&) noexcept = default;
  Subscription& operator=(Subscription&& other) noexcept;
  ~Subscription() { reset(); }
  void reset();

 private:
  friend class Host;
  struct Shared;
  const nc_host* host_ = nullptr;
  nc_subscription id_ = 0;
  std::shared_ptr<Shared> shared_;  // the host's callbacks use it until on_end, which may come after the owner
};

/// Something that runs beside the plugin's calls, such as an informer. The SDK stops it when the plugin is quiesced.
class Background {
 public:
  virtual ~Background() = default;
  /// Idempotent. Nothing of it runs when it returns.
  virtual void stop() = 0;
};

/// Lives as long as the plugin's instance.
class Host {
 public:
  explicit Host(const nc_host* table) : table_(table) {}
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// An event phrase, then fields. error: somebody must act; warn: degraded; info: lifecycle. Never a secret.
  void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {}) const;
  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    log(LogLevel::kDebug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    log(LogLevel::kInfo, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    log(LogLevel::kWarn, event, fields);
  }
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    log(LogLevel::kError, event, fields);
  }

  /// Monotonic: what deadlines are compared with. Simulated in tests.
  uint64_t now_ns() const { return table_->now(table_->self, NC_CLOCK_MONOTONIC); }
  /// Since 1970-01-01 UTC.
  uint64_t real_ns() const { return table_->now(table_->self, NC_CLOCK_REAL); }
  void random(void* out, size_t length) const { table_->random(table_->self, out, length); }
  uint64_t random_u64() const;
  /// Asks to be quarantined: the plugin found itself broken.
  void fatal(std::string_view why) const { table_->fatal(table_->self, str(why)); }

  /// Generated clients call this.
  Route connect(const nc_service& service, const Target& target) const;

  Status publish(std::string_view subject, std::string_view body, const PublishOptions& options = {}) const;
  /// The handlers run on a worker of this plugin, in order. `on_end` comes once, unless the Subscription ended first;
  /// OUT_OF_RANGE: too slow, or the history is gone; subscribe again after the last revision seen.
  Subscription subscribe(const Interest& interest, std::function<void(const Event&)> on_event,
                         std::function<void(Code why)> on_end = {}) const;

  /// Runs `task` on a worker of this plugin, after `delay_ns`. It is dropped without having run when it is cancelled or
  /// the plugin is quiesced. 0: refused.
  nc_timer post(std::function<void()> task, uint64_t delay_ns = 0) const;
  void cancel(nc_timer timer) const { table_->unpost(table_->self, timer); }

  const nc_host* table() const { return table_; }

  void add(Background& background);
  void remove(Background& background);
  void stop_background();

 private:
  const nc_host* table_;
  std::mutex mutex_;
  std::vector<Background*> background_;
};

}  // namespace novacron
