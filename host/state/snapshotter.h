// Writes a snapshot of a machine that goes on changing: it reads the versions of one revision, page by page, and holds
// the lock only for the time of a page.
#pragma once

#include <atomic>
#include <string>

#include "host/state/file.h"
#include "host/state/shared_machine.h"
#include "host/state/snapshot.h"

namespace novacron::host::state {

/// [any] thread, one at a time for a folder. CANCELLED once `cancel` is set.
Result<SnapshotHead> write_snapshot(FileSystem& files, const std::string& folder, SharedMachine& shared,
                                    const std::atomic<bool>& cancel);

/// All snapshots but the newest.
Status remove_old_snapshots(FileSystem& files, const std::string& folder);

}  // namespace novacron::host::state
