#include "host/cli/flag_value.h"

#include "host/cli/exit_code.h"

namespace novacron::host::cli {
namespace {

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == '/';
}

class PairReader {
 public:
  explicit PairReader(std::string_view text) : text_(text) {}

  Result<Pairs> read() {
    Pairs pairs;
    do {
      if (pairs.size() == kMaxPairs) return usage_error("more than " + std::to_string(kMaxPairs) + " pairs");
      std::string key = TRY(read_key());
      std::string value = "true";
      if (take('=')) value = TRY(read_text());
      pairs.emplace_back(std::move(key), std::move(value));
    } while (take(','));
    if (at_ != text_.size()) return wrong("a comma is missing");
    return pairs;
  }

 private:
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  Error wrong(const std::string& what) const {
    return usage_error(what + " at \"" + std::string(text_.substr(at_, 20)) + "\" (write key=value,key=value)");
  }
  Result<std::string> read_key() {
    const size_t from = at_;
    while (at_ < text_.size() && is_key_character(text_[at_])) ++at_;
    if (at_ == from) return wrong("a key is missing");
    return std::string(text_.substr(from, at_ - from));
  }
  Result<std::string> read_text() {
    const bool quoted = take('"');
    std::string value;
    while (at_ < text_.size() && text_[at_] != (quoted ? '"' : ',')) {
      if (take('\\') && at_ == text_.size()) return wrong("a character is missing behind \\");
      value += text_[at_++];
    }
    if (quoted && !take('"')) return wrong("a closing quote is missing");
    return value;
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<Pairs> parse_pairs(std::string_view text) {
  if (text.size() > kMaxFlagValueBytes)
    return usage_error("longer than " + std::to_string(kMaxFlagValueBytes) + " bytes");
  return PairReader(text).read();
}

std::string format_pairs(const Pairs& pairs) {
  std::string out;
  for (const auto& [key, value] : pairs) {
    if (!out.empty()) out += ',';
    out += key + "=\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out;
}

Result<std::pair<std::string, std::string>> parse_pair(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return usage_error("\"" + std::string(text) + "\" is not key=value");
  }
  return std::make_pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

}  // namespace novacron::host::cli
