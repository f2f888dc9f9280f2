// The folder that an engine lives in:
//
//   format                  "novacron-state 1"; written first, so that a folder of another kind is never taken for one
//   lock                    held by the process that uses it
//   log-<first serial>      segments of the log; spare is the next one, allocated in advance
//   snapshot-<last index>   the newest is used
//   *.tmp                   was being written: removed at open
#pragma once

#include <memory>
#include <string>

#include "host/state/log.h"
#include "host/state/shared_machine.h"

namespace novacron::host::state {

struct Recovered {
  std::unique_ptr<FileLock> lock;
  std::unique_ptr<Log> log;
};

/// Makes the folder if need be, and brings the empty machine to where the log ends.
Result<Recovered> recover_folder(FileSystem& files, const std::string& folder, const Log::Options& options,
                                 SharedMachine& into);

}  // namespace novacron::host::state
