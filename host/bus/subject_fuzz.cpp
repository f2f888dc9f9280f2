// Subjects and patterns: what a wide pattern covers is never more than it matches.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/bus/subject.h"

using namespace novacron::host;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::string_view next_line(std::string_view& rest) {
  const size_t end = rest.find('\n');
  const auto line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return line;
}

}  // namespace

/// Three lines: a wide pattern, a narrow one, a subject.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto wide = next_line(rest), narrow = next_line(rest), subject = next_line(rest);
  if (!bus::check_pattern(wide).ok() || !bus::check_pattern(narrow).ok()) return 0;
  require(bus::covers(wide, wide) && bus::covers(">", narrow));
  if (!bus::check_subject(subject).ok()) return 0;
  require(subject.size() <= bus::kMaxSubjectBytes && bus::matches(subject, subject) && bus::matches(">", subject));
  if (bus::covers(wide, narrow) && bus::matches(narrow, subject)) require(bus::matches(wide, subject));
  return 0;
}
