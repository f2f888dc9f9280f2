#include "host/contract/version.h"

#include <charconv>

namespace novacron::host::contract {

namespace {
/// Takes a number without leading zeros off the front of `text`.
bool take_number(std::string_view& text, uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<size_t>(end - text.data());
  if (error != std::errc() || (length > 1 && text.front() == '0')) return false;
  text.remove_prefix(length);
  return true;
}

bool take_dot(std::string_view& text) {
  if (text.empty() || text.front() != '.') return false;
  text.remove_prefix(1);
  return true;
}
}  // namespace

Result<Version> Version::parse(std::string_view text) {
  Version version;
  auto rest = text;
  if (take_number(rest, version.major) && take_dot(rest) && take_number(rest, version.minor) && take_dot(rest) &&
      take_number(rest, version.patch) && rest.empty()) {
    return version;
  }
  return Error{Code::kInvalidArgument, "\"" + std::string(text) + "\" is no version such as 1.2.3", "version.invalid"};
}

std::string Version::text() const {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace novacron::host::contract
