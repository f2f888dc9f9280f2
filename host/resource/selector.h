// Label selectors: which objects of a list somebody wants.
//
//   selector    = requirement { "," requirement }
//   requirement = key | "!" key | key "=" value | key "==" value | key "!=" value
//               | key "in" "(" value { "," value } ")" | key "notin" "(" … ")"
//
// All requirements must hold. "!=" and "notin" hold also for objects without the label.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::resource {

using Labels = std::map<std::string, std::string, std::less<>>;

inline constexpr size_t kMaxSelectorBytes = 4'096;
inline constexpr size_t kMaxRequirements = 64;

class Selector {
 public:
  /// Empty text: everything. INVALID_ARGUMENT "selector.invalid".
  static Result<Selector> parse(std::string_view text);
  bool matches(const Labels& labels) const;
  bool empty() const { return requirements_.empty(); }

 private:
  friend class SelectorParser;
  struct Requirement {
    enum class Kind { kExists, kAbsent, kIn, kNotIn } kind = Kind::kExists;
    std::string key;
    std::vector<std::string> values;
  };
  static bool holds(const Requirement& requirement, const Labels& labels);
  std::vector<Requirement> requirements_;
};

/// "app" or "example.com/app": a prefix of at most 253 characters, a name of at most 63.
bool is_label_key(std::string_view text);
/// Empty, or at most 63 characters of letters, digits, '-', '_' and '.', a letter or digit at both ends.
bool is_label_value(std::string_view text);

}  // namespace novacron::host::resource
