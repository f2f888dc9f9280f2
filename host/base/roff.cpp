#include "host/base/roff.h"

#include <algorithm>

namespace novacron::host {
namespace {

bool starts_line(const std::string& out) {
  return out.empty() || out.back() == '\n';
}

}  // namespace

std::string roff_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && starts_line(out)) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '`')
      out += "\\(ga";
    else if (c == '^')
      out += "\\(ha";
    else if (c == '~')
      out += "\\(ti";
    else if (c == '\n' && starts_line(out))
      out += ".PP\n";  // an empty line
    else
      out += c;
  }
  return out;
}

std::string roff_argument(std::string_view text) {
  std::string out = "\"";
  for (const char c : roff_text(text)) {
    if (c == '"')
      out += "\\(dq";
    else
      out += c == '\n' ? ' ' : c;
  }
  return out + '"';
}

std::string roff_entry(std::string_view term, std::string_view value, std::string_view text) {
  std::string out = ".TP\n\\fB" + roff_text(term) + "\\fR";
  if (!value.empty()) out += " \\fI" + roff_text(value) + "\\fR";
  return out + "\n" + (text.empty() ? "\\&" : roff_text(text)) + "\n";
}

std::string roff_literal(std::string_view lines) {
  std::string out = ".nf\n";
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    out += roff_text(lines.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return out + ".fi\n";
}

}  // namespace novacron::host
