#include "host/cli/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

namespace novacron::host::cli {
namespace {

using nlohmann::json;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

template <size_t N>
bool one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

std::optional<json> read_word(std::string_view text) {
  constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
  constexpr std::array<std::string_view, 3> kTrue = {"true", "True", "TRUE"};
  constexpr std::array<std::string_view, 3> kFalse = {"false", "False", "FALSE"};
  if (one_of(text, kNull)) return json(nullptr);
  if (one_of(text, kTrue)) return json(true);
  if (one_of(text, kFalse)) return json(false);
  return std::nullopt;
}

template <class Number>
std::optional<json> read_whole(std::string_view text, int base) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return json(number);
}

/// "017" is no number here: readers disagree whether it is octal, so that the field's own type decides.
bool is_decimal(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return false;
  return text.size() == 1 || text[0] != '0';
}

std::optional<json> read_integer(std::string_view text) {
  if (text.starts_with("0x")) return read_whole<uint64_t>(text.substr(2), 16);
  if (text.starts_with("0o")) return read_whole<uint64_t>(text.substr(2), 8);
  if (!is_decimal(text)) return std::nullopt;
  if (text[0] == '-') return read_whole<int64_t>(text, 10);
  return read_whole<uint64_t>(text.substr(text[0] == '+' ? 1 : 0), 10);
}

/// [-+]? ( . digits | digits ( . digits? )? ) ( [eE] [-+]? digits )?
bool is_float(std::string_view text) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - from;
  };
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  size_t count = digits();
  if (count > 1 && text[at - count] == '0') return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    count += digits();
  }
  if (count == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

std::optional<json> read_float(std::string_view text) {
  if (!is_float(text)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return json(number);
}

json read_plain(std::string_view text) {
  if (auto word = read_word(text)) return *std::move(word);
  if (auto integer = read_integer(text)) return *std::move(integer);
  if (auto number = read_float(text)) return *std::move(number);
  return json(text);
}

bool valid_utf8(std::string_view text) {
  try {
    (void)json(text).dump();
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

bool has_type(const json& value, std::string_view tag) {
  if (tag == "tag:yaml.org,2002:int") return value.is_number_integer();
  if (tag == "tag:yaml.org,2002:float") return value.is_number();
  if (tag == "tag:yaml.org,2002:bool") return value.is_boolean();
  if (tag == "tag:yaml.org,2002:null") return value.is_null();
  return false;
}

}  // namespace

Result<json> read_yaml_scalar(std::string_view tag, std::string_view text) {
  if (!valid_utf8(text)) return Error{Code::kInvalidArgument, "text that is not UTF-8", "cli.yaml"};
  if (tag == "!" || tag == "tag:yaml.org,2002:str") return json(text);
  json value = read_plain(text);
  if (tag.empty() || tag == "?" || has_type(value, tag)) return value;
  return Error{Code::kInvalidArgument, "\"" + std::string(text) + "\" does not fit the tag " + std::string(tag),
               "cli.yaml"};
}

std::string yaml_string(const std::string& text) {
  // Words that YAML 1.1 readers take for booleans.
  constexpr std::array<std::string_view, 6> kOldBooleans = {"y", "n", "yes", "no", "on", "off"};
  const auto is_plain = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '/' ||
           c == '-';
  };
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  const bool starts_well = !text.empty() && text[0] != '-' && text[0] != '.' && !is_digit(text[0]);
  const bool plain = starts_well && std::all_of(text.begin(), text.end(), is_plain) && read_plain(text).is_string() &&
                     !one_of(lower, kOldBooleans);
  return plain ? text : json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace novacron::host::cli
