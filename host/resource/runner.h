// Carries operations through: one call each, with a record of how far it came that outlives the process.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "host/base/worker_pool.h"
#include "host/plugin/service.h"
#include "host/resource/store_impl.h"

namespace novacron::host::resource {

inline constexpr uint64_t kProviderPatienceNs = 60'000'000'000;  ///< for a service whose plugin is not there yet
inline constexpr uint64_t kProviderRetryNs = 250'000'000;

class OperationRunner {
 public:
  OperationRunner(Store& store, Objects& objects, const Clock& clock, plugin::Caller& caller, WorkerPool& pool);
  /// Cancels the calls under way and waits for them. Their operations stay as they are.
  ~OperationRunner();
  OperationRunner(const OperationRunner&) = delete;
  OperationRunner& operator=(const OperationRunner&) = delete;

  /// Takes up what an earlier run of the host left, and listens for requests to stop.
  Status start();
  /// Of an operation that has just been stored. When it cannot be queued it is stored as failed.
  void run(const ObjectRef& operation, auth::ContextPtr context);

 private:
  struct Job;
  Status resume(const StoredObject& operation);
  void carry_out(Job job);
  Result<plugin::Message> call(const Job& job);
  void end(const Job& job, Result<plugin::Message> result);
  /// False: it could not be stored, which is logged.
  bool store(const ObjectRef& operation, const std::string& status);
  void take_and_carry_out(const ObjectRef& operation, const auth::ContextPtr& context);
  void fail(const ObjectRef& operation, const Error& why);
  void watch();
  void look_for_cancellations();
  bool take_cancellations();
  /// False: the host stops.
  bool wait_to_retry();

  Store& store_;
  Objects& objects_;
  const Clock& clock_;
  plugin::Caller& caller_;
  auth::ContextPtr host_;

  std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;
  std::map<std::string, plugin::ClientCall*> calls_;  ///< under way, by the operation's name
  std::map<std::string, bool> cancelled_;             ///< of those queued or under way: whether somebody asked
  std::mutex watch_mutex_;
  std::unique_ptr<Watch> watch_;
  std::unique_ptr<Lane> watch_lane_;
  std::unique_ptr<Lane> lane_;
};

}  // namespace novacron::host::resource
