// The operation that a call carries out, as its callee sees it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "novacron/call.h"
#include "novacron/core/v1/operation.nc.h"
#include "novacron/host.h"

namespace novacron {

/// What is absent stays as it was.
struct ProgressReport {
  std::optional<uint32_t> percent = {};     ///< 0 to 100
  std::optional<std::string> step = {};     ///< "copy the disks"
  std::optional<std::string> message = {};  ///< for people
};

/// Of one call; it must outlive this. Each method is FAILED_PRECONDITION "operation.none" when the call carries no
/// operation out: another plugin called, or the action is answered at once.
class Operation {
 public:
  Operation(const Host& host, const Call& call) : client_(host), call_(call) {}

  /// What the last run of this operation has saved; empty: nothing, begin at the beginning.
  Result<std::string> checkpoint() const;
  /// Cheap: the host stores what it needs. True: somebody asked the operation to stop.
  Result<bool> report(const ProgressReport& report) const;
  /// Returns when the checkpoint is on the disk. True: as above.
  Result<bool> save(std::string checkpoint, const ProgressReport& report = {}) const;

  /// Starts an action of another object as a child, which is cancelled with this operation. `request` without its
  /// object. The same key gives the same child, also when this operation is repeated after a crash.
  template <Message Request>
  Result<core::v1::ObjectRef> start(const core::v1::ObjectRef& target, std::string verb, const Request& request,
                                    std::string key) const {
    return start_encoded(target, std::move(verb), encode(request), std::move(key));
  }
  /// Until the child has ended, or this call's deadline. What failed in the child is the error.
  template <Message Reply>
  Result<Reply> wait(const core::v1::ObjectRef& child) const {
    const std::string reply = NC_TRY(wait_encoded(child));
    return decode<Reply>(reply);
  }

 private:
  Result<core::v1::ObjectRef> start_encoded(const core::v1::ObjectRef& target, std::string verb, std::string request,
                                            std::string key) const;
  Result<std::string> wait_encoded(const core::v1::ObjectRef& child) const;
  Result<bool> send(core::v1::OperationReport message) const;

  core::v1::OperationsClient client_;
  const Call& call_;
};

}  // namespace novacron
