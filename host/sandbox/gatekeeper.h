// Makes a sandboxed plugin's sockets and connections, where it may connect to certain places only. Its own network is
// empty: the kernel stops it in socket() and connect() and asks here, where the address that was checked is the one
// that is used. docs/sandbox.md has the whole.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "host/base/fd.h"
#include "host/sandbox/reach.h"

namespace novacron::host::sandbox {

constexpr uint32_t kMaxConnecting = 32;  ///< at once, of one plugin: the next gets EAGAIN

class Gatekeeper final {
 public:
  struct Options {
    std::string plugin;
    Reach reach;
    Fd listener;  ///< of the process's filter
    pid_t process = 0;
    int pidfd = -1;             ///< copied
    bool unix_sockets = false;  ///< the kernel makes their connections, and Landlock keeps TCP from it
    /// Connections to names, and such that their thread waits for, are made there. False: there is no thread.
    std::function<bool(std::function<void()>)> run;
  };
  static Result<std::unique_ptr<Gatekeeper>> start(Options options);
  /// Waits for no connection that is being made.
  ~Gatekeeper();
  Gatekeeper(const Gatekeeper&) = delete;
  Gatekeeper& operator=(const Gatekeeper&) = delete;

 private:
  struct Gate;
  explicit Gatekeeper(std::shared_ptr<Gate> gate);
  const std::shared_ptr<Gate> gate_;
  std::thread thread_;
};

}  // namespace novacron::host::sandbox
