// Small files that must be there whole or not at all: keys, settings, what scripts read.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "host/base/result.h"

namespace novacron::host {

/// Replaces the file in one step, durably. `mode` is its permission bits whatever the umask. Blocks on the disk.
Status write_file(const std::string& path, std::string_view content, mode_t mode);

/// NOT_FOUND when there is none; RESOURCE_EXHAUSTED "file.too-large" beyond `max_bytes`.
Result<std::string> read_file(const std::string& path, size_t max_bytes);

/// Makes the folder and those above it; the last one gets `mode` whatever the umask. Fine if it exists.
Status make_folder(const std::string& path, mode_t mode);

}  // namespace novacron::host
