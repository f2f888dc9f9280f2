// Drives the Raft core: what is proposed, said by other nodes and due by the clock goes in; what comes out is written,
// sent, applied and answered. One thread does it, a batch at a time: while it waits for the disk, the next batch
// gathers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "host/base/clock.h"
#include "host/raft/core.h"
#include "host/state/log.h"
#include "host/state/shared_machine.h"

namespace novacron::host::state {

/// [any] thread.
class Runner final {
 public:
  using Done = std::function<void(Result<Outcome>)>;
  enum class Origin : uint8_t { kClient, kEngine };  ///< what the engine itself needs goes on while the disk is full
  struct Hooks {
    std::function<void()> applied;                 ///< on the runner's thread, before the callbacks of the batch
    std::function<void(const Error&)> fatal = {};  ///< at most once, on its thread too
  };

  /// The machine is where `core` believes that it is. Whoever is alone leads when this returns; without space on the
  /// disk that comes later.
  static Result<std::unique_ptr<Runner>> start(std::unique_ptr<Log> log, raft::Core core, SharedMachine& shared,
                                               const Clock& clock, Hooks hooks);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  void propose(decltype(Command::what) what, Origin origin, Done done);
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
    Done done;
  };
  struct Waiting {  ///< for its entry to be committed
    raft::Index index;
    raft::Term term;
    Command command;
    Done done;
  };
  struct Answer {
    Done done;
    Result<Outcome> outcome;
  };
  struct Work {
    std::vector<Proposal> proposals;
    uint64_t drop_through = 0;
    bool mark = false;
    bool make_spare = false;
  };

  Runner(std::unique_ptr<Log> log, raft::Core core, SharedMachine& shared, const Clock& clock, Hooks hooks);
  Status admit(Origin origin, size_t bytes) const;
  void thread_main();
  bool take(Work& work);
  bool work_is_there() const;

  // runner_step.cpp
  Status elect_alone();
  void commit(std::vector<Proposal>& proposals);
  size_t propose_batch(std::vector<Proposal>& proposals, size_t from);
  void hand_in(Proposal& proposal);
  Status settle();
  Status carry_out(raft::Ready ready);
  Status write(const raft::Ready& ready);
  void send(std::vector<raft::Message> messages);
  Status apply(const raft::Entries& entries);
  Status apply_one(const raft::Entry& entry, std::vector<Answer>& answers);
  void forget_applied();

  Status make_room(size_t bytes);
  void do_chores(const Work& work);
  void raise_alarm(const std::string& why);
  void clear_alarm();
  void fail(const Error& cause);

  const std::unique_ptr<Log> log_;  ///< the thread's own, as is the core
  raft::Core core_;
  SharedMachine& shared_;
  const Clock& clock_;
  const Hooks hooks_;
  std::deque<Waiting> waiting_;  ///< by index, ascending
  std::atomic<uint64_t> logged_bytes_{0};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Work work_;
  size_t queued_bytes_ = 0;
  uint64_t batches_ = 0;  ///< written
  uint64_t batches_at_tick_ = 0;
  uint64_t batches_at_mark_ = 0;
  std::string alarm_;
  std::optional<Error> failure_;  ///< set by the thread alone
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace novacron::host::state
