#include "host/cli/time_range.h"

#include "host/cli/exit_code.h"
#include "host/contract/moment.h"
#include "host/contract/units.h"

namespace novacron::host::cli {
namespace {

/// A field selector's alternatives: what is between || outside of quotes.
std::vector<std::string> alternatives(const std::string& where) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (size_t i = 0; i < where.size(); ++i) {
    if (quoted && where[i] == '\\' && i + 1 < where.size()) {
      parts.back() += where.substr(i++, 2);
      continue;
    }
    if (where[i] == '"') quoted = !quoted;
    if (!quoted && where.compare(i, 2, "||") == 0) {
      parts.emplace_back();
      ++i;
      continue;
    }
    parts.back() += where[i];
  }
  return parts;
}

std::string compared(const std::string& how, const std::string& moment) {
  if (moment.empty()) return "";
  const std::string time = moment.starts_with("now") ? moment : "\"" + moment + "\"";
  return " && metadata.created_at " + how + " " + time;
}

}  // namespace

std::vector<OptionSpec> time_range_options(const std::string& what) {
  return {{"--since", "", "TIME", what + " since then: 1h30m ago, 7d ago, or 2026-01-31T12:00:00Z"},
          {"--until", "", "TIME", what + " until then"}};
}

Result<std::string> moment_of(const Arguments& arguments, const std::string& option) {
  const std::string text = arguments.get(option);
  constexpr uint64_t kAnyNow = 1;  // whether it is a time does not depend on when
  if (text.empty() || contract::parse_moment(text, kAnyNow)) return text;
  if (contract::parse_with_unit(contract::Unit::kDuration, text).ok()) return "now-" + text;
  return usage_error(option + ": \"" + text + "\" is no time; write 1h30m for that long ago, or 2026-01-31T12:00:00Z");
}

Result<std::string> where_created(const Arguments& arguments, const std::string& where) {
  const std::string range =
      compared(">=", TRY(moment_of(arguments, "--since"))) + compared("<=", TRY(moment_of(arguments, "--until")));
  if (range.empty()) return where;
  if (where.empty()) return range.substr(4);
  std::string narrowed;
  for (const std::string& part : alternatives(where)) narrowed += (narrowed.empty() ? "" : " || ") + part + range;
  return narrowed;
}

}  // namespace novacron::host::cli
