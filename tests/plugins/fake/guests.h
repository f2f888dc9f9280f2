// The guests that do not run: a table, kept in a journal.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "novacron/compute/v1/compute.nc.h"
#include "novacron/fd.h"
#include "novacron/result.h"

namespace novacron::fake {

/// [any] thread.
class Guests {
 public:
  using Status = compute::v1::GuestStatus;
  using State = Status::State;

  struct Change {
    State before = State::kAbsent;
    Status after;
    std::string tenant;
  };
  struct Order {
    std::string uid;
    std::string node;  ///< that the call named
    uint64_t fence = 0;
  };

  /// Each node has `memory_bytes`. Reads the guests from the journal; an empty path: none is kept.
  static Result<std::unique_ptr<Guests>> open(const std::string& journal, uint64_t memory_bytes);

  /// FAILED_PRECONDITION "fake.second-guest", RESOURCE_EXHAUSTED "fake.no-room", ABORTED "compute.stale-claim". What
  /// runs already stays as it is.
  Result<Change> start(const Order& order, uint64_t memory_bytes, const std::string& tenant);
  /// To stopped, paused, running (from paused) or absent.
  Result<Change> turn(const Order& order, State to);
  Status get(const std::string& uid) const;
  /// Those that are not absent.
  std::vector<Status> list() const;

 private:
  struct Guest {
    State state = State::kAbsent;
    std::string node;
    uint64_t memory_bytes = 0;
    uint64_t fence = 0;  ///< the highest seen, also of one that is absent
    std::string tenant;
  };

  explicit Guests(uint64_t memory_bytes) : memory_bytes_(memory_bytes) {}
  novacron::Status read(std::string_view journal);
  novacron::Status append(const std::string& uid, const Guest& guest) const;
  /// With the lock held.
  novacron::Status admit(const Order& order, const Guest& guest) const;
  Result<Change> store(const std::string& uid, Guest changed);
  void put(const std::string& uid, Guest guest);
  static Status status_of(const std::string& uid, const Guest& guest);

  const uint64_t memory_bytes_;
  Fd journal_;
  mutable std::mutex mutex_;
  std::map<std::string, Guest> guests_;
  std::map<std::string, uint64_t> used_bytes_;  ///< by node
};

}  // namespace novacron::fake
