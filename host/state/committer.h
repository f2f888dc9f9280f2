// From a proposal to its outcome: queue, log, state machine, callback. One thread does it, a batch at a time: while it
// waits for the disk, the next batch gathers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "host/base/clock.h"
#include "host/state/log.h"
#include "host/state/shared_machine.h"

namespace novacron::host::state {

/// [any] thread.
class Committer final {
 public:
  using Done = std::function<void(Result<Outcome>)>;
  enum class Origin : uint8_t { kClient, kEngine };  ///< what the engine itself needs goes on while the disk is full
  struct Hooks {
    std::function<void()> applied;                 ///< on the committer's thread, before the callbacks of the batch
    std::function<void(const Error&)> fatal = {};  ///< at most once, on its thread too
  };

  /// The log's entries have been applied to the machine already.
  Committer(std::unique_ptr<Log> log, SharedMachine& shared, const Clock& clock, Hooks hooks);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  void propose(decltype(Command::what) what, uint64_t session, uint64_t sequence, Origin origin, Done done);
  /// The log is not needed up to here any more.
  void drop_through(uint64_t index);
  /// Marks the log when it is idle, and looks for space when there was none.
  void tick();
  /// Completes what is queued; what comes later is refused.
  void stop();

  /// Empty, or why changes are refused.
  std::string alarm() const;
  uint64_t logged_bytes() const { return logged_bytes_; }

 private:
  struct Proposal {
    Command command;
    std::string encoded;
    uint64_t session;
    uint64_t sequence;
    Done done;
  };
  struct Work {
    std::vector<Proposal> proposals;
    uint64_t drop_through = 0;
    bool mark = false;
    bool make_spare = false;
  };

  Status admit(Origin origin, size_t bytes) const;
  void thread_main();
  bool take(Work& work);
  bool work_is_there() const;
  void commit(std::vector<Proposal>& proposals);
  size_t append(const std::vector<Proposal>& proposals, size_t from);
  void apply(std::vector<Proposal>& proposals, size_t from, size_t to);
  Error refuse(const Error& cause);
  void do_chores(const Work& work);
  void raise_alarm(const std::string& why);
  void clear_alarm();
  void fail(const Error& cause);

  const std::unique_ptr<Log> log_;  ///< the thread's own
  SharedMachine& shared_;
  const Clock& clock_;
  const Hooks hooks_;
  const uint64_t term_;
  std::atomic<uint64_t> logged_bytes_{0};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Work work_;
  size_t queued_bytes_ = 0;
  uint64_t batches_ = 0;  ///< committed
  uint64_t batches_at_tick_ = 0;
  uint64_t batches_at_mark_ = 0;
  std::string alarm_;
  std::optional<Error> failure_;  ///< set by the thread alone
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace novacron::host::state
