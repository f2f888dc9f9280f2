// A plugin in a child process, to the host like one in its own: a table of nc_plugin whose functions enter the child.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/sandbox/abi_wire.h"
#include "host/sandbox/cgroup.h"
#include "host/sandbox/channel.h"
#include "host/sandbox/gatekeeper.h"
#include "host/sandbox/guest_parts.h"
#include "host/sandbox/isolation.h"
#include "host/sandbox/lane_socket.h"
#include "host/sandbox/ops.h"
#include "host/sandbox/process.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::sandbox {

/// [any] thread, unless said otherwise. Threads of the host that enter the plugin block until it returns, or is dead:
/// killing it gives them all back.
class Guest final : public std::enable_shared_from_this<Guest> {
 public:
  struct Options {
    std::string plugin;   ///< its id
    std::string program;  ///< novacron-sandbox
    Isolation isolation;
    std::string library;                 ///< its bytes
    uint64_t stuck_ns = 60'000'000'000;  ///< inside the plugin without a word to the host, beyond a call's deadline
    /// Runs what a thread of the plugin's own asks for; may block. False: there is no thread.
    std::function<bool(std::function<void()>)> run;
    /// Once, on a thread of the guest's own, when it is dead though nobody closed it; must not block.
    std::function<void(Death)> on_death;
  };
  /// [worker] Starts the process.
  static Result<std::shared_ptr<Guest>> launch(Options options);
  ~Guest();
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  /// [worker] Isolates it, then loads its library there; both may hang, until kill(). FAILED_PRECONDITION
  /// "sandbox.layers" names what was required and could not be had; "plugin.load-failed". Then table() is what the
  /// plugin offers.
  Status load();
  /// As the plugin's own, but `create` finds the guest in what `*out` holds before: handle().
  const nc_plugin* table() const { return &table_; }
  nc_instance* handle() { return reinterpret_cast<nc_instance*>(this); }
  /// The layers that it has.
  const Layers& layers() const { return layers_; }

  /// The call of this number is cancelled: nc_host.cancelled says so from now on.
  void note_cancelled(nc_call call);
  /// A line of its log, for the case that it dies.
  void note_line(std::string_view line);
  /// Ends it; `why` is what its end is put down to.
  void kill(std::string why);
  /// Who implements the host's table that `create` gets: nothing is asked of it once it is gone.
  void owned_by(std::weak_ptr<void> owner);
  /// [worker] Kills it, without on_death, and waits for its end.
  void close();

  Usage usage() const;
  pid_t pid() const;  ///< 0: it has ended
  bool dead() const;
  std::string why_dead() const;

 private:
  /// One thread of the host that may be in the plugin.
  struct Lane {
    Lane(Fd end, std::unique_ptr<LaneMemory> memory) : socket(std::move(end), std::move(memory)) {}
    LaneSocket socket;
    // Of the entry under way:
    std::atomic<const char*> name = "";
    std::atomic<uint64_t> inside_since_ns = 0;  ///< 0: in nothing, or the plugin has asked the host for something
    std::atomic<uint64_t> allowed_ns = 0;       ///< how long that may last; 0: for somebody else to say
  };
  enum class LaneHas { kSocketAlone, kMemory };
  /// What a completion, a subscription or a timer of the plugin is to the host's table.
  struct Callback {
    Guest* guest = nullptr;
    uint64_t token = 0;  ///< the plugin's side of it
    uint64_t number = 0;
  };
  struct Descriptor;  ///< the plugin's own, rebuilt
  struct Asks;        ///< the functions of nc_host that the plugin may ask for
  struct Table;       ///< the functions of table()
  friend struct Asks;
  friend struct Table;

  explicit Guest(Options options);
  Status begin();
  Status isolate();
  Status check_layers(const std::string& why_not) const;
  Status open_gate(Fd listener);

  // The thread of its own.
  Status start_process(Fd socket, Fd output);
  void limit(pid_t process);
  void serve();
  std::string receive_all();
  bool has_ended() const;
  std::string dispatch(Frame frame);
  std::string take_first_answer(Frame frame);
  std::string answer_own(Frame ask);
  std::string take_log(const Frame& frame);
  std::string check_pulse();
  std::string check_lanes(uint64_t now_ns) const;
  void read_output();
  void finish_off(const std::string& why);

  // Into the plugin.
  Result<Frame> enter_first(Out out);
  Result<Frame> enter(Out out, const char* name, uint64_t allowed_ns);
  Result<Frame> converse(Lane& lane);
  Result<Lane*> take_lane();
  Result<Lane*> wait_for_lane(std::unique_lock<std::mutex>& lock);
  Result<Lane*> make_lane(LaneHas has);
  void give_lane(Lane& lane);
  Error lost();
  Out ask_of(Frame ask);
  nc_code run(Out out, const char* name, nc_error* error, uint64_t allowed_ns = 0);
  void call_back(EnterOp op, const Callback& callback, Out out, const char* name);
  Callback* keep_callback(uint64_t token);
  void forget_callback(const Callback& callback);
  static Guest& of(nc_instance* instance) { return *reinterpret_cast<Guest*>(instance); }
  Status take_descriptor(In& in);
  Error gone() const;  ///< with the lock held

  std::unique_ptr<Cgroup> cgroup_;  ///< null: this machine gives none
  Options options_;                 ///< constant once it is launched
  Layers layers_;
  nc_plugin table_{};
  std::unique_ptr<Descriptor> descriptor_;
  std::atomic<const nc_host*> host_ = nullptr;
  std::weak_ptr<void> owner_;  ///< constant from before `create` on
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<Gatekeeper> gatekeeper_;  ///< null: the plugin may connect everywhere, or nowhere
  std::thread thread_;

  mutable std::mutex mutex_;
  std::unique_ptr<Process> process_;  ///< null: not started, or reaped
  bool dead_ = false;
  bool expected_ = false;  ///< nobody is told of its death
  std::string why_;        ///< it is dead, or will be
  LastWords last_words_;
  std::condition_variable changed_;           ///< dead_, first_answer_, free_lanes_
  std::unique_ptr<Frame> first_answer_;       ///< to kIsolate, which comes before there are lanes
  std::vector<std::unique_ptr<Lane>> lanes_;  ///< all; none goes before the guest does
  std::vector<Lane*> free_lanes_;             ///< the one that was used last is taken first
  size_t lanes_asked_for_ = 0;                ///< made, and in the making
  bool no_more_lanes_ = false;                ///< the sandbox has no more threads to serve them
  uint32_t own_asks_ = 0;
  std::map<uint64_t, std::unique_ptr<Callback>> callbacks_;
  uint64_t last_callback_ = 0;

  // The thread's own.
  Fd output_;
  Pulse pulse_;
  uint32_t log_lines_ = 0;  ///< since credit was given back
  uint64_t credited_ns_ = 0;
};

}  // namespace novacron::host::sandbox
