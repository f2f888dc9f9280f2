// "Did you mean …?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace novacron::host::cli {

/// The candidates that a person who typed `word` probably meant: those that are nearest, at most 3.
std::vector<std::string> suggestions(std::string_view word, const std::vector<std::string>& candidates);

/// " Did you mean `show`?", or "" when nothing is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace novacron::host::cli
