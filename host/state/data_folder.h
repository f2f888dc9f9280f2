// The folder that an engine lives in:
//
//   format                  "novacron-state 2"; so that a folder of another kind is never taken for one
//   identity                u64 the node's id, then the members that the cluster began with, as raft::encode() writes
//                           them; both are the folder's for good
//   lock                    held by the process that uses it
//   log-<first serial>      segments of the log; spare is the next one, allocated in advance
//   snapshot-<last index>   the newest is used
//   *.tmp                   was being written: removed at open
//
// One of format 1, whose log is that of one node alone, is read, and is of format 2 from then on.
#pragma once

#include <memory>
#include <string>

#include "host/raft/core.h"
#include "host/state/log.h"
#include "host/state/shared_machine.h"

namespace novacron::host::state {

struct FolderOptions {
  std::string folder;
  Log::Options log;
  raft::NodeId node = 1;
  raft::Membership first_members;  ///< of a cluster that begins; one that is there must have the same
};

struct Recovered {
  std::unique_ptr<FileLock> lock;
  std::unique_ptr<Log> log;
  /// The log where the machine ends, for the core.
  raft::Core::Stored stored;
};

/// Makes the folder if need be, and brings the empty machine to where it is known that entries are committed.
/// FAILED_PRECONDITION "state.identity": the folder is another node's; "state.members": of another cluster.
Result<Recovered> recover_folder(FileSystem& files, const FolderOptions& options, SharedMachine& into);

/// Does what a committed entry says; what its proposer is to be told. DATA_LOSS "state.command": it cannot be read.
Result<Result<Outcome>> apply_entry(SharedMachine& into, const raft::Entry& entry);

/// `node` alone decides: what is on its disk is committed.
bool is_alone(const raft::Membership& members, raft::NodeId node);

}  // namespace novacron::host::state
