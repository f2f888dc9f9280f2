// The guests on this node: what the driver's calls do, on libvirt.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "board.h"
#include "busy.h"
#include "connection.h"
#include "console.h"
#include "disks.h"
#include "novacron/compute/v1/compute.nc.h"
#include "novacron/result.h"
#include "plan.h"
#include "records.h"

struct _virDomain;

namespace novacron::kvm {

struct GuestsOptions {
  std::string accelerator;  ///< "kvm" or "tcg"
  std::string emulator;
};

struct GuestChange {
  compute::v1::GuestStatus before, after;
  std::string tenant;
};

/// Told of changes. [any] thread; must not wait for guests.
class GuestsObserver {
 public:
  virtual ~GuestsObserver() = default;
  virtual void guest_changed(const GuestChange& change) = 0;
  /// What somebody typed does not reach the guest.
  virtual void console_input_failed(const std::string& uid, const Error& why) = 0;
};

/// [any] thread. Calls about one guest go one after another; Stop lets others in while it waits for the guest. A guest
/// is a libvirt domain whose UUID is the machine's uid, so that there can be only one. Without a connection every call
/// is UNAVAILABLE.
class Guests {
 public:
  /// `real_ns`: nanoseconds since 1970.
  Guests(Connection& connection, const Folder& folder, ImageSource& images, GuestsOptions options,
         GuestsObserver& observer, std::function<uint64_t()> real_ns);

  Status start_up();
  void shut_down() { consoles_.stop(); }

  Result<compute::v1::GuestStatus> start(const compute::v1::StartRequest& request);
  /// `cancelled` is asked now and then while it waits for the guest to shut down.
  Result<compute::v1::GuestStatus> stop(const compute::v1::StopRequest& request,
                                        const std::function<bool()>& cancelled);
  Result<compute::v1::GuestStatus> pause(const compute::v1::GuestRequest& request);
  Result<compute::v1::GuestStatus> resume(const compute::v1::GuestRequest& request);
  Result<compute::v1::GuestStatus> remove(const compute::v1::GuestRequest& request);
  Result<compute::v1::GuestStatus> get(const std::string& uid);
  Result<std::vector<compute::v1::GuestStatus>> list();
  Result<compute::v1::GuestStats> stats(const std::string& uid);
  Result<Fd> console(const std::string& uid);
  const Board& board() const { return board_; }

  // From the connection's observer.
  void refresh_all();
  void refresh_known(const std::string& uid);
  void trim_logs();

 private:
  struct Handle;  ///< a domain and the connection that it belongs to
  struct Failure {
    std::string reason, message;
  };

  Result<Handle> find(const std::string& uid);
  Result<Handle> find_running(const std::string& uid);
  Result<compute::v1::GuestStatus> refresh(const std::string& uid);
  Result<compute::v1::GuestStatus> read(const std::string& uid);
  void note_run(_virDomain* domain, const std::string& uid, compute::v1::GuestStatus& status);

  Status launch(GuestPlan plan, Record record, _virConnect* connection);
  Status make_files(GuestPlan& plan);
  Status run(const DomainPlan& plan, _virConnect* connection);
  Status begin_stop(const compute::v1::StopRequest& request, int& run);
  void await_shutdown(const compute::v1::StopRequest& request, const std::function<bool()>& cancelled);
  Status end_stop(const compute::v1::StopRequest& request, int run);
  Status undefine(const std::string& uid);

  void set_stopping(const std::string& uid, bool stopping);
  void set_failure(const std::string& uid, const Error* error);

  Connection& connection_;
  const Folder& folder_;
  const GuestsOptions options_;
  GuestsObserver& observer_;
  const std::function<uint64_t()> real_ns_;
  Disks disks_;
  Records records_;
  Consoles consoles_;
  Busy busy_;
  Board board_;
  std::mutex refreshing_;  // a status is read and put on the board as one step
  std::mutex mutex_;       // guards the two below
  std::multiset<std::string> stopping_;
  std::map<std::string, Failure> failures_;  // of the last start; bounded by the number of guests
};

}  // namespace novacron::kvm
