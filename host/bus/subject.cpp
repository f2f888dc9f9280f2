#include "host/bus/subject.h"

#include <string>

namespace novacron::host::bus {
namespace {

enum class Wildcards { kNone, kAllowed };

bool is_token(std::string_view token) {
  if (token.empty()) return false;
  for (const char c : token) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') return false;
  }
  return true;
}

bool well_formed(std::string_view text, Wildcards wildcards) {
  if (text.empty() || text.size() > kMaxSubjectBytes || text.back() == '.') return false;
  size_t tokens = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto token = next_token(rest);
    if (++tokens > kMaxSubjectTokens) return false;
    if (wildcards == Wildcards::kAllowed && (token == "*" || (token == ">" && rest.empty()))) continue;
    if (!is_token(token)) return false;
  }
  return true;
}

}  // namespace

Status check_subject(std::string_view subject) {
  if (well_formed(subject, Wildcards::kNone)) return {};
  return Error{Code::kInvalidArgument,
               "a subject is 1 to 16 words of letters, digits, '-' and '_', joined by dots, at most 255 bytes",
               "bus.subject"};
}

Status check_pattern(std::string_view pattern) {
  if (well_formed(pattern, Wildcards::kAllowed)) return {};
  return Error{Code::kInvalidArgument,
               "a pattern is a subject in which '*' stands for a word and '>' at the end for one or more",
               "bus.pattern"};
}

std::string_view next_token(std::string_view& rest) {
  const size_t dot = rest.find('.');
  const auto token = rest.substr(0, dot);
  rest.remove_prefix(dot == std::string_view::npos ? rest.size() : dot + 1);
  return token;
}

bool matches(std::string_view pattern, std::string_view subject) {
  while (!pattern.empty() && !subject.empty()) {
    const auto wanted = next_token(pattern);
    if (wanted == ">") return true;
    const auto token = next_token(subject);
    if (wanted != "*" && wanted != token) return false;
  }
  return pattern.empty() && subject.empty();
}

bool covers(std::string_view wide, std::string_view narrow) {
  while (!wide.empty() && !narrow.empty()) {
    const auto allowed = next_token(wide);
    if (allowed == ">") return true;
    const auto asked = next_token(narrow);
    if (asked == ">") return false;
    if (allowed != "*" && allowed != asked) return false;
  }
  return wide.empty() && narrow.empty();
}

}  // namespace novacron::host::bus
