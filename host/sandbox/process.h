// The child process of a sandbox, held by a pidfd from its first moment to its last.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/base/fd.h"
#include "host/base/result.h"

namespace novacron::host::sandbox {

/// How a process ended.
struct Ending {
  int signal = 0;  ///< 0: it exited
  int status = 0;
  /// "killed by signal 9 (Killed)".
  std::string text() const;
};

/// What it uses, as the kernel counts.
struct Usage {
  uint64_t memory_bytes = 0;  ///< resident
  uint64_t cpu_ns = 0;        ///< since it began
  uint32_t threads = 0;
};

/// A process that died aborting says so by this status, since as the first of its pid namespace it gets no SIGABRT.
constexpr int kExitAborted = 134;

/// Namespaces that a process has of its own.
struct Namespaces {
  bool user = false;
  bool mount = false;
  bool pid = false;
  bool ipc = false;
  bool uts = false;
  bool network = false;
};

class Process final {
 public:
  struct Options {
    std::string program;
    Namespaces namespaces;  ///< wanted
    int socket = -1;        ///< its descriptor 3
    int output = -1;        ///< its standard output and error
  };
  /// The error is clone's or exec's own. The process is killed when the calling thread ends.
  static Result<std::unique_ptr<Process>> start(const Options& options);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  /// Kills and reaps it.
  ~Process();

  pid_t pid() const { return pid_; }
  /// Readable when it is dead.
  int pidfd() const { return pidfd_.get(); }
  void kill() const;
  /// Waits for its end; once, beside kill() and usage().
  Ending reap();
  Usage usage() const;

 private:
  Process(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  const pid_t pid_;
  const Fd pidfd_;
  bool reaped_ = false;
};

}  // namespace novacron::host::sandbox
