// What differs between two texts, line by line.
#pragma once

#include <string>
#include <string_view>

namespace novacron::host::cli {

inline constexpr size_t kMaxDiffCells = 4'000'000;  ///< lines times lines that are compared; beyond, all lines differ
inline constexpr size_t kDiffContext = 3;

enum class Paint { kPlain, kColors };

/// A unified diff without its heading; "" when the texts are equal.
std::string line_diff(std::string_view before, std::string_view after, Paint paint);

}  // namespace novacron::host::cli
