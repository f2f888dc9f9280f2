#include "host/cli/redact.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace novacron::host::cli {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 12> kSecretWords = {"password",   "passwd",        "passphrase", "secret",
                                                           "token",      "credential",    "cookie",     "apikey",
                                                           "privatekey", "authorization", "bearer",     "signature"};
/// Texts in a form that only their owner knows.
constexpr std::array<std::string_view, 2> kOpaqueNames = {"config_json", "body_base64"};
constexpr size_t kMinCredentialBytes = 32;
constexpr std::string_view kCredentialPrefix = "nc-";
constexpr std::string_view kTokenPrefix = "eyJ";  // {" in base64
constexpr size_t kMaxKeyHeadBytes = 64;
constexpr size_t kMaxDepth = 100;
constexpr std::string_view kKeyBegin = "-----BEGIN ";
constexpr std::string_view kKeyEnd = "-----END ";
constexpr std::string_view kKeyName = "PRIVATE KEY-----";

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/// Goes through a text once: each step takes something off its front.
class Redactor {
 public:
  explicit Redactor(std::string_view text) : rest_(text) {}

  std::string run() {
    while (!rest_.empty()) {
      if (rest_.starts_with(kKeyBegin) && private_key()) continue;
      if (rest_.starts_with("://") && url_password()) continue;
      if (is_word(rest_.front()))
        word();
      else
        keep(1);
    }
    return std::move(out_);
  }

 private:
  void keep(size_t count) {
    out_ += rest_.substr(0, count);
    rest_.remove_prefix(count);
  }
  void mask(size_t count) {
    out_ += kRedacted;
    rest_.remove_prefix(count);
  }
  template <class Fits>
  size_t span(Fits&& fits, size_t from = 0) const {
    return static_cast<size_t>(std::find_if_not(rest_.begin() + static_cast<std::ptrdiff_t>(from), rest_.end(), fits) -
                               rest_.begin());
  }

  /// Up to its end, or to that of the text if it has none.
  bool private_key() {
    const size_t name = rest_.substr(0, kMaxKeyHeadBytes).find(kKeyName);
    if (name == std::string_view::npos) return false;
    const size_t end = rest_.find(kKeyEnd, name);
    const size_t after = end == std::string_view::npos ? end : rest_.find(kKeyName, end);
    mask(after == std::string_view::npos ? rest_.size() : after + kKeyName.size());
    return true;
  }

  /// https://user:password@host
  bool url_password() {
    const auto in_authority = [](char c) {
      return c > ' ' && c != '/' && c != '"' && c != '\'' && c != '?' && c != '#';
    };
    const size_t end = span(in_authority, 3);
    const size_t at = rest_.substr(0, end).rfind('@');
    if (at == std::string_view::npos) return false;
    keep(3);
    mask(at - 3);
    return true;
  }

  void word() {
    // A key may follow at once, as behind the n of an escaped newline.
    const size_t all = span(is_word);
    const size_t size = std::max<size_t>(1, std::min(all, rest_.substr(0, all).find(kKeyBegin.substr(0, 10))));
    const std::string_view text = rest_.substr(0, size);
    if (text.starts_with(kCredentialPrefix) && size >= kMinCredentialBytes) return mask(size);
    if (text.starts_with(kTokenPrefix) && size < rest_.size() && rest_[size] == '.')
      return mask(span([](char c) { return is_word(c) || c == '.'; }));
    const bool is_scheme = text == "Bearer" || text == "bearer" || text == "Basic" || text == "basic";
    const bool is_secret = is_secret_name(text);
    keep(size);
    if (is_scheme) scheme_value();
    if (is_secret) named_value();
  }

  /// Bearer VALUE
  void scheme_value() {
    const size_t blanks = span(is_blank);
    if (blanks == 0 || blanks == rest_.size()) return;
    keep(blanks);
    const size_t size = value_size();
    if (size > 0) mask(size);
  }

  /// Behind the name: = or :, then the value.
  void named_value() {
    size_t at = !rest_.empty() && (rest_.front() == '"' || rest_.front() == '\'') ? 1 : 0;
    at = span(is_blank, at);
    if (at >= rest_.size() || (rest_[at] != '=' && rest_[at] != ':')) return;
    keep(span(is_blank, at + 1));
    const bool has_scheme = rest_.starts_with("Bearer ") || rest_.starts_with("Basic ");
    if (has_scheme) keep(rest_.find(' ') + 1);
    const size_t size = value_size();
    if (size > 0) mask(size);
  }

  /// Of a quoted text with its quotes, else of what stands up to a blank or a comma.
  size_t value_size() const {
    if (rest_.empty()) return 0;
    const char quote = rest_.front();
    if (quote != '"' && quote != '\'')
      return span(
          [](char c) { return c > ' ' && c != ',' && c != ';' && c != '}' && c != ']' && c != '&' && c != '"'; });
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '\\')
        ++i;
      else if (rest_[i] == quote)
        return i + 1;
    }
    return rest_.size();
  }

  std::string_view rest_;
  std::string out_;
};

bool is_opaque(const std::string& name, const json& value) {
  const bool is_named = std::find(kOpaqueNames.begin(), kOpaqueNames.end(), name) != kOpaqueNames.end();
  return is_named || (is_secret_name(name) && !value.is_boolean());
}

json redacted_below(const json& value, size_t depth) {
  if (value.is_string()) return redacted(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value;
  if (depth == 0) return value.is_array() ? json::array() : json::object();
  json out = value;
  if (value.is_array()) {
    for (json& item : out) item = redacted_below(item, depth - 1);
    return out;
  }
  for (const auto& [name, item] : value.items()) {
    const bool hide = !item.empty() && item != "" && is_opaque(name, item);
    out[name] = hide ? json(kRedacted) : redacted_below(item, depth - 1);
  }
  return out;
}

}  // namespace

bool is_secret_name(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != '_' && c != '-') plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return std::any_of(kSecretWords.begin(), kSecretWords.end(),
                     [&](std::string_view word) { return plain.find(word) != std::string::npos; });
}

std::string redacted(std::string_view text) {
  return Redactor(text).run();
}

json redacted_json(const json& value) {
  return redacted_below(value, kMaxDepth);
}

}  // namespace novacron::host::cli
