// CRC-32C (Castagnoli), by the processor's instruction where there is one.
#pragma once

#include <cstdint>
#include <string_view>

namespace novacron::host {

/// The checksum of what `seed` is the checksum of, followed by `bytes`. crc32c("123456789") is 0xe3069283.
uint32_t crc32c(std::string_view bytes, uint32_t seed = 0);

/// The same, without the instruction: for machines that lack it, and for the test that compares both.
uint32_t crc32c_portable(std::string_view bytes, uint32_t seed = 0);

}  // namespace novacron::host
