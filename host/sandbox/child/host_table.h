// nc_host as the plugin in the sandbox sees it: each function asks the host, or answers by itself where it can.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "host/sandbox/child/link.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::sandbox {

/// One a process. [any] thread.
class HostTable final {
 public:
  explicit HostTable(Link& link);
  const nc_host* get() const { return &table_; }

  // What the plugin serves.
  void began(const nc_request& request);
  /// True: it was under way, in time, and nobody had cancelled it.
  bool ended(nc_call call);
  void cancelled(nc_call call);

  struct Completion {
    void* ctx;
    void (*done)(void* ctx, nc_call call, const nc_result* result);
  };
  struct Subscription {
    void* ctx;
    void (*on_events)(void* ctx, const nc_event* const* events, size_t len);
    void (*on_end)(void* ctx, nc_code why);
  };
  struct Task {
    void* ctx;
    void (*run)(void* ctx, nc_code why);
  };

 private:
  struct Functions;
  struct Serving {
    uint64_t deadline_ns = 0;
    nc_context context = 0;
    bool cancelled = false;
  };
  /// What was handed out, for as long as the header says.
  struct Result {
    std::unique_ptr<Answer> answer;
    ResultIn result;
  };
  struct Caller {
    std::unique_ptr<Answer> answer;
    nc_caller caller;
  };
  nc_call call(nc_route route, const nc_request* request, void* ctx, decltype(Completion::done) done);
  nc_code wait(nc_call call, uint64_t until_ns, const nc_result** result);
  nc_code read(nc_call call, nc_message* message, uint64_t until_ns);
  nc_code context_info(nc_context context, nc_caller* out);
  void log(int32_t level, nc_str event, const nc_field* const* fields, size_t len);
  int32_t is_cancelled(nc_call call);
  nc_code finish(nc_call call, const nc_result* result);
  void forget(nc_call call);
  nc_code code_for(Out out);
  uint64_t id_for(Out out);
  void tell(AskOp op, uint64_t id);

  Link& link_;
  nc_host table_{};
  std::atomic<uint64_t> unlogged_ = 0;
  std::mutex mutex_;
  std::unordered_map<nc_call, Serving> serving_;
  std::deque<nc_call> early_cancels_;  ///< of calls that are not there: they come by another way than what cancels them
  std::unordered_map<nc_call, std::unique_ptr<Result>> results_;
  std::unordered_map<nc_call, std::unique_ptr<Answer>> last_reads_;
  std::unordered_map<nc_context, std::unique_ptr<Caller>> callers_;
};

}  // namespace novacron::host::sandbox
