// Serial consoles: any number of viewers a guest, each of whom first sees the end of what the guest printed before.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "novacron/fd.h"
#include "novacron/result.h"

namespace novacron::kvm {

class Connection;
class ConsoleInput;
class Folder;

/// So much of a console's past is shown to a new viewer.
inline constexpr uint64_t kConsoleBacklogBytes = 64 * 1024;
/// A log with more on disk than this loses its beginning.
inline constexpr uint64_t kConsoleLogMaxBytes = 1024 * 1024;

/// [any] thread; the work is done on one thread of its own. QEMU appends what the guest prints to a log; each viewer
/// follows the log at its own pace. So nothing is buffered here, nothing is lost or shown twice between the past and
/// the present, and output goes on while libvirtd restarts. Input goes through libvirt's console stream.
class Consoles {
 public:
  /// `input_failed` is told why what was typed has been thrown away.
  Consoles(Connection& connection, const Folder& folder,
           std::function<void(const std::string& uid, const Error& why)> input_failed);
  ~Consoles();
  Consoles(const Consoles&) = delete;
  Consoles& operator=(const Consoles&) = delete;

  Status start();
  /// Idempotent. Viewers see the end of their streams.
  void stop();
  /// One end of a stream socket: reads are the guest's output, writes its input. It ends when the guest does.
  Result<Fd> attach(const std::string& uid);
  /// Its viewers see the rest of its output, then the end.
  void guest_ended(const std::string& uid);
  /// Frees the beginning of the guest's log on disk if it is long.
  void trim_log(const std::string& uid);

 private:
  struct Viewer;

  void run();
  void wake();
  bool admit_new();
  bool watch(Viewer& viewer);
  void handle_log_events();
  bool follow_rotation(Viewer& viewer);
  /// False when the viewer is done.
  bool serve(Viewer& viewer, uint32_t events);
  bool send_output(Viewer& viewer);
  bool take_input(Viewer& viewer);
  void send_input(Viewer& viewer);
  void arm(Viewer& viewer) const;
  void drop(int fd);

  Connection& connection_;
  const Folder& folder_;
  const std::function<void(const std::string& uid, const Error& why)> input_failed_;
  Fd epoll_, wake_, inotify_;

  std::mutex mutex_;  // guards the four below
  std::vector<std::unique_ptr<Viewer>> arriving_;
  std::set<std::string> ended_;
  size_t viewers_count_ = 0;
  bool stopping_ = false;

  std::map<int, std::unique_ptr<Viewer>> viewers_;               // by socket; the thread only, like the rest
  std::map<std::string, std::unique_ptr<ConsoleInput>> inputs_;  // by uid
  std::thread thread_;
};

}  // namespace novacron::kvm
