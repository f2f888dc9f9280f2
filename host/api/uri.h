// The target of a request, taken apart: RFC 3986 paths and form-encoded queries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::api {

inline constexpr size_t kMaxTargetBytes = 8 * 1024;
inline constexpr size_t kMaxPathSegments = 16;
inline constexpr size_t kMaxQueryParameters = 32;

/// Decodes %XX. INVALID_ARGUMENT "http.target" for a broken or a zero byte.
Result<std::string> percent_decode(std::string_view text);
/// Leaves letters, digits and "-._~:" as they are.
std::string percent_encode(std::string_view text);

/// The parameters of a query, each at most once.
class Query {
 public:
  /// INVALID_ARGUMENT "http.query".
  static Result<Query> parse(std::string_view text);

  /// Absent: null.
  const std::string* find(std::string_view name) const;
  std::string text(std::string_view name) const;
  /// INVALID_ARGUMENT "field.invalid" names the parameter.
  Result<uint64_t> number(std::string_view name, uint64_t absent) const;
  /// "true", "false", or without a value for true.
  Result<bool> flag(std::string_view name) const;
  /// INVALID_ARGUMENT "field.invalid" for the first parameter that is not in `known`.
  Status only(std::initializer_list<std::string_view> known) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

struct Uri {
  std::vector<std::string> segments;  ///< of the path, decoded
  Query query;
  std::string path;  ///< as sent
};

/// INVALID_ARGUMENT "http.target": not an absolute path, too long, an empty or dotted segment.
/// A slash at the end is let through below /ext/, where paths are a plugin's.
Result<Uri> parse_uri(std::string_view target);

}  // namespace novacron::host::api
