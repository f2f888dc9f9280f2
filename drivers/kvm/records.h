// What the driver durably knows of each machine, one small file each: records/<uid>.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "folder.h"
#include "novacron/kvm/v1/config.nc.h"
#include "novacron/result.h"

namespace novacron::kvm {

using v1::Record;

/// [any] thread.
class Records {
 public:
  /// `real_ns`: nanoseconds since 1970.
  Records(const Folder& folder, std::function<uint64_t()> real_ns) : folder_(folder), real_ns_(std::move(real_ns)) {}

  /// Reads all. Forgets machines that have been gone for so long that no call about them can be under way.
  Status load();
  /// An empty record for one never seen.
  Record get(const std::string& uid) const;
  Status put(const std::string& uid, const Record& record);
  /// Lets a call with this fence go on, and remembers the fence on disk before it does. ABORTED "compute.stale-claim"
  /// when a higher one has been seen: another owner acts on the machine.
  Result<Record> admit(const std::string& uid, uint64_t fence);
  /// Uids of the machines that are here.
  std::vector<std::string> present() const;
  bool is_present(const std::string& uid) const;
  /// Digests that a machine here needs.
  std::set<std::string> images_in_use() const;

 private:
  Status put_locked(const std::string& uid, Record record);

  const Folder& folder_;
  const std::function<uint64_t()> real_ns_;
  mutable std::mutex mutex_;
  std::map<std::string, Record> records_;
};

}  // namespace novacron::kvm
