#include "host/state/engine.h"

namespace novacron::host::state {

KeyRange KeyRange::prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (end.empty()) return {std::string(prefix), std::string(1, '\0')};
  ++end.back();
  return {std::string(prefix), std::move(end)};
}

bool KeyRange::contains(std::string_view key) const {
  if (end.empty()) return key == begin;
  if (key < begin) return false;
  return end == std::string_view("\0", 1) || key < end;
}

}  // namespace novacron::host::state
