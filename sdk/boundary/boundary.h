// Between a plugin and its host: everything that crosses the ABI passes here. It lends guarded memory, looks whether
// the plugin keeps the contract of plugin.h, and writes down what crossed. Each of the three is optional.
//
//   Boundary boundary(plugin, host, {.memory = &memory, .findings = &findings, .transcript = &transcript});
//   boundary.create(&config, &error);
//   boundary.start(deadline_ns, &error);
//   …
//   boundary.destroy();
//   boundary.check_ended();
#pragma once

#include <novacron/plugin.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "sdk/boundary/finding.h"
#include "sdk/boundary/guarded_memory.h"
#include "sdk/boundary/loan.h"
#include "sdk/boundary/transcript.h"

namespace novacron::boundary {

struct Options {
  GuardedMemory* memory = nullptr;
  Findings* findings = nullptr;
  Transcript* transcript = nullptr;
  std::function<void()> before_host_call = {};  ///< [any] thread of the plugin, before each function of the host
  std::recursive_mutex* slot = nullptr;         ///< held for the plugin's [worker] functions other than invoke
};

/// One instance of a plugin. Its functions are those of nc_plugin, with the threads that plugin.h says; it outlives the
/// instance and everything that the plugin asked of the host.
class Boundary final {
 public:
  static constexpr size_t kMaxIds = 65'536;  ///< of one kind that are known at a time

  Boundary(const nc_plugin* plugin, const nc_host* host, Options options);
  Boundary(const Boundary&) = delete;
  Boundary& operator=(const Boundary&) = delete;
  ~Boundary();

  nc_code create(const nc_buf* config, nc_error* error);
  nc_code start(uint64_t deadline_ns, nc_error* error);
  nc_code invoke(uint32_t service, const nc_request* request);
  nc_code configure(const nc_buf* config, nc_error* error);
  nc_code health(nc_error* error);
  nc_code quiesce(uint64_t deadline_ns, nc_call sink, nc_error* error);
  nc_code resume(uint64_t deadline_ns, nc_error* error);
  nc_code restore(nc_str from_version, nc_call source, uint64_t deadline_ns, nc_error* error);
  void destroy();

  const nc_plugin& plugin() const { return *plugin_; }
  bool has_instance() const { return instance_ != nullptr; }
  nc_instance* instance() const { return instance_; }
  /// Calls that the plugin has taken and not finished, and those that it made and whose done() is to come.
  size_t open_calls() const;
  /// How often the plugin was called in all.
  uint64_t lanes() const;
  /// How many calls the plugin has made in all.
  uint64_t calls_made() const;
  /// After the instance's end: a finding for each call that was not finished, and each id that was not given back.
  void check_ended();

 private:
  friend struct HostSide;
  struct Served {
    std::string name;  ///< "example.hello.v1.Greeter/Greet"
    bool is_finished = false;
    bool is_refused = false;  ///< invoke returned another code than NC_OK
  };
  struct Made {
    bool has_done = false;
    bool is_over = false;
    std::unique_ptr<Loan> result = {};
    const nc_result* lent = nullptr;  ///< what wait() gave
  };

  template <class Function>
  nc_code control(const char* name, Entry& first, nc_error* error, Function&& function);
  void find(Subject subject, std::string what, const char* rule, const char* instead);
  void check_code(const char* function, nc_code code);
  void check_error(const char* function, const nc_error& error);
  void check_message(const char* function, const nc_message* message);
  void check_wait(const char* function);
  void check_context(const char* function, nc_context context);
  void check_route(nc_route route);
  /// Whether it is one of the calls that the plugin made and has not given back; a finding if not.
  void check_made(const char* function, nc_call call);
  void check_end(const char* function, nc_call call);
  void check_result(const nc_result& result);
  void check_finish(nc_call call);
  void note_invoke(uint64_t lane, uint32_t service, const nc_request& request);
  void after_invoke(nc_call call, nc_code code);
  std::string method_name(uint32_t service, uint32_t method) const;
  bool is_fast(uint32_t service, uint32_t method) const;
  /// A number for a call into the plugin; `write` gets it and writes the records that begin it, before any other
  /// begins.
  template <class Write>
  uint64_t begin(Write&& write) {
    const std::lock_guard lock(lanes_mutex_);
    write(++lanes_);
    return lanes_;
  }
  /// With the lock held. Ids grow, so what is forgotten are the oldest.
  template <class Id>
  static void remember(std::set<Id>& ids, Id id) {
    ids.insert(id);
    if (ids.size() > kMaxIds) ids.erase(ids.begin());
  }
  std::unique_lock<std::recursive_mutex> hold_slot() const;
  void forget_old_calls();
  Entry entry(const char* at, uint64_t lane) { return {options_.transcript, at, lane}; }

  const nc_plugin* const plugin_;
  const nc_host* const host_;
  const Options options_;
  const nc_host* table_ = nullptr;  ///< what the plugin gets
  nc_host plain_table_{};
  nc_instance* instance_ = nullptr;

  mutable std::mutex lanes_mutex_;
  uint64_t lanes_ = 0;
  mutable std::mutex mutex_;
  uint64_t calls_made_ = 0;
  uint64_t listeners_ = 0;
  uint64_t timings_ = 0;
  std::set<nc_route> routes_;
  std::map<nc_call, Served> served_;
  std::map<nc_call, Made> made_;
  std::map<nc_call, std::unique_ptr<Loan>> read_;  ///< what read() gave last, by the end that read
  std::set<nc_call> pipes_;                        ///< of quiesce and restore
  std::set<nc_context> contexts_;
  std::set<nc_context> held_;
  std::vector<Loan> callers_;  ///< what context_info() gave
  std::set<nc_subscription> subscriptions_;
  std::set<nc_timer> timers_;
};

}  // namespace novacron::boundary
