// The life of a plugin on this node: which states there are, and which may follow which.
//
//   available → installed → resolved → loaded → configured → enabled → disabled → resolved …
//
// failed: a step was refused, or its process died; quarantined: the plugin asked for it, broke the ABI or died too
// often; abandoned: an instance did not end in time, so it stays in memory unused. None of the three is left without an
// administrator (install, enable or disable), but that a plugin whose process died is started again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/duration_stats.h"
#include "host/base/result.h"
#include "host/plugin/manifest.h"

namespace novacron::host::plugin {

/// Numbers as novacron.core.v1.PluginStatus.State.
enum class State {
  kAvailable = 1,
  kInstalled = 2,
  kResolved = 3,
  kLoaded = 4,
  kConfigured = 5,
  kEnabled = 6,
  kDisabled = 7,
  kFailed = 8,
  kQuarantined = 9,
  kAbandoned = 10,
};

/// "enabled".
std::string_view to_string(State state);
/// The table of legal transitions.
bool may_follow(State from, State to);

struct Transition {
  std::string plugin;
  State from = State::kAvailable;
  State to = State::kAvailable;
  std::string reason;   ///< stable, for programs: "plugin.start-failed"
  std::string message;  ///< for people
};

/// The end of a plugin's process that nobody meant to end.
struct PluginDeath {
  std::string plugin;
  std::string how;      ///< "killed by signal 9 (Killed)", or why the host killed it
  int signal = 0;       ///< 0: it exited
  int exit_status = 0;  ///< without a signal
  std::vector<std::string> last_lines;
};

struct PluginCounters {
  uint64_t calls = 0;          ///< that it answered
  uint64_t errors = 0;         ///< of those, not OK
  uint64_t queued = 0;         ///< now
  uint64_t refused = 0;        ///< because its queue was full
  uint64_t fast_overruns = 0;  ///< FAST calls that took longer than kFastBudgetNs
  uint64_t logs_dropped = 0;
  uint64_t abandoned = 0;  ///< instances of it
};

/// What it does wrong without being stopped for it.
struct PluginFault {
  std::string reason;  ///< stable, for programs: "plugin.stale-id"
  std::string message;
  uint64_t count = 0;
};

/// A service of it whose calls are refused, since too many in a row failed.
struct OpenBreaker {
  std::string service;
  bool half_open = false;  ///< one call is let through, to see
  uint32_t failures = 0;   ///< in a row
};

/// How a method of a plugin was used since the plugin's instance was made.
struct MethodUse {
  std::string plugin;
  std::string service;
  std::string method;
  DurationStats::Snapshot durations;  ///< of calls with a result, from their arrival on
  uint64_t errors = 0;                ///< of those
};

/// The process that a plugin runs in, if it has one of its own.
struct PluginProcess {
  int32_t pid = 0;     ///< 0: none
  std::string layers;  ///< "seccomp, landlock": what keeps it apart
  uint64_t memory_bytes = 0;
  uint64_t cpu_ns = 0;
  uint32_t threads = 0;
};

/// How a plugin came from one version or placement to another while it ran.
struct Upgrade {
  /// Numbers as novacron.core.v1.PluginUpgrade.Phase.
  enum class Phase {
    kNone = 0,
    kLoading = 1,    ///< the new one is made beside the old one, which serves
    kSwitching = 2,  ///< calls wait while the old one hands over
    kProbation = 3,  ///< the new one serves, and is compared with the old one's record
    kDone = 4,
    kRolledBack = 5,  ///< the old one serves again, or still
  };
  struct Side {
    std::string version;
    Placement placement = Placement::kInline;
    std::string digest;
    bool operator==(const Side&) const = default;
  };
  Phase phase = Phase::kNone;
  Side from;
  Side to;
  std::string reason;   ///< of a roll back; stable, for programs
  std::string message;  ///< for people
  bool carried_state = false;
  uint64_t pause_ns = 0;     ///< how long new calls waited
  uint64_t begun_at_ns = 0;  ///< real time, as the next two; 0: not yet
  uint64_t probation_until_ns = 0;
  uint64_t ended_at_ns = 0;

  bool under_way() const { return phase != Phase::kNone && phase < Phase::kDone; }
};

struct PluginInfo {
  std::string id;
  State state = State::kAvailable;
  std::string reason;
  std::string message;
  uint64_t changed_at_ns = 0;  ///< real time
  std::string digest;          ///< "sha256:<64 hex>" of the library; empty before it is read
  Manifest manifest;           ///< of the installed version, else of the newest available
  PluginCounters counters;
  // Of the instance that runs, or ran last.
  std::vector<PluginFault> faults;
  std::vector<OpenBreaker> breakers;
  Placement placement = Placement::kInline;
  Permissions granted;  ///< of the installed version
  PluginProcess process;
  uint32_t deaths = 0;  ///< of its processes, of late
  Upgrade upgrade;      ///< the last one
};

/// Told of every transition, in order for one plugin, on the thread that made it, with no lock held. Must not call the
/// Manager.
class LifecycleListener {
 public:
  virtual ~LifecycleListener() = default;
  virtual void on_transition(const Transition& transition, const PluginInfo& now) = 0;
  /// Its faults or breakers changed: the fault's reason, "plugin.breaker-open" or "plugin.breaker-closed". On a thread
  /// of the manager's, beside anything.
  virtual void on_trouble(const std::string& reason, const PluginInfo& now) = 0;
  /// Its process died; the transition that follows from it comes next, on the same thread.
  virtual void on_death(const PluginDeath& death) = 0;
  /// Its upgrade came to the next phase, on the thread that brought it there.
  virtual void on_upgrade(const PluginInfo& now) = 0;
};

/// Where the host keeps contracts. [worker] threads; may block.
class ContractCatalog {
 public:
  virtual ~ContractCatalog() = default;
  /// Keeps what a package provides; the same again is fine. `descriptor_set` is its contracts.binpb.
  virtual Status install(const std::string& plugin, const std::string& descriptor_set,
                         const std::vector<Provided>& provides) = 0;
  /// An installed contract of that name has a version in the range.
  virtual bool satisfied(const Required& required) const = 0;
};

}  // namespace novacron::host::plugin
