// Archives of small files: gzip-compressed tar.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::cli {

struct ArchiveFile {
  std::string name;  ///< path within the archive
  std::string content;
};

/// Makes the archive in one step, readable by its owner alone. ALREADY_EXISTS when something is at `path`.
/// `time_s` is the time of every file in it, in seconds since 1970.
Status write_archive(const std::string& path, const std::vector<ArchiveFile>& files, int64_t time_s);

}  // namespace novacron::host::cli
