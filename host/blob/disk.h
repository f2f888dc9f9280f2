// The few calls to the disk that the blob store makes, with its errors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "host/base/fd.h"
#include "host/base/result.h"
#include "host/base/sha256.h"

namespace novacron::host::blob {

/// From errno; RESOURCE_EXHAUSTED "blob.disk-full" when it is that.
Error disk_error(std::string_view what, const std::filesystem::path& path, int errno_value);

Status sync_file(int fd, const std::filesystem::path& path);
Status sync_folder(const std::filesystem::path& folder);
Status write_at(int fd, uint64_t offset, std::string_view bytes, const std::filesystem::path& path);
/// Feeds the first `size` bytes of the file to `digest`.
Status read_into(int fd, uint64_t size, Sha256& digest, const std::filesystem::path& path);
Status set_modified(int fd, uint64_t real_ns, const std::filesystem::path& path);
/// Held until the descriptor is closed. UNAVAILABLE "blob.locked".
Result<Fd> lock_folder(const std::filesystem::path& folder);

}  // namespace novacron::host::blob
