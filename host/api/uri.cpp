#include "host/api/uri.h"

#include <algorithm>
#include <charconv>

namespace novacron::host::api {
namespace {

constexpr std::string_view kExtensionPrefix = "/ext/";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Error bad_target(std::string why) {
  return {Code::kInvalidArgument, "the request's target " + std::move(why), "http.target"};
}

Error bad_parameter(std::string_view name, std::string why) {
  Error error{Code::kInvalidArgument, "query parameter \"" + std::string(name) + "\": " + why, "field.invalid"};
  error.fields.push_back({std::string(name), std::move(why)});
  return error;
}

/// Calls `take` for each piece between separators, also for an empty one.
template <class Take>
Status split(std::string_view text, char separator, Take take) {
  while (true) {
    const size_t end = text.find(separator);
    TRY_STATUS(take(text.substr(0, end)));
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
}

Result<std::string> decode_form(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decode(spaced);
}

}  // namespace

Result<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) return bad_target("has a broken %-escape");
    if (high == 0 && low == 0) return bad_target("has a zero byte");
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~:").find(c) != std::string_view::npos;
    if (plain) {
      encoded += c;
      continue;
    }
    encoded += {'%', kDigits[static_cast<unsigned char>(c) >> 4], kDigits[static_cast<unsigned char>(c) & 15]};
  }
  return encoded;
}

Result<Query> Query::parse(std::string_view text) {
  Query query;
  if (text.empty()) return query;
  const auto parsed = split(text, '&', [&](std::string_view pair) -> Status {
    if (pair.empty()) return {};
    const size_t equals = pair.find('=');
    auto name = TRY(decode_form(pair.substr(0, equals)));
    auto value = equals == std::string_view::npos ? std::string() : TRY(decode_form(pair.substr(equals + 1)));
    if (query.find(name) != nullptr) return bad_parameter(name, "it is given twice");
    if (query.parameters_.size() >= kMaxQueryParameters)
      return Error{Code::kInvalidArgument, "more than " + std::to_string(kMaxQueryParameters) + " query parameters",
                   "http.query"};
    query.parameters_.emplace_back(std::move(name), std::move(value));
    return {};
  });
  if (!parsed.ok()) return parsed.error();
  return query;
}

const std::string* Query::find(std::string_view name) const {
  for (const auto& parameter : parameters_) {
    if (parameter.first == name) return &parameter.second;
  }
  return nullptr;
}

std::string Query::text(std::string_view name) const {
  const auto* value = find(name);
  return value != nullptr ? *value : std::string();
}

Result<uint64_t> Query::number(std::string_view name, uint64_t absent) const {
  const auto* value = find(name);
  if (value == nullptr || value->empty()) return absent;
  uint64_t number = 0;
  const char* end = value->data() + value->size();
  const auto parsed = std::from_chars(value->data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return bad_parameter(name, "it must be a whole number");
  return number;
}

Result<bool> Query::flag(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr || *value == "false") return false;
  if (value->empty() || *value == "true") return true;
  return bad_parameter(name, "it must be true or false");
}

Status Query::only(std::initializer_list<std::string_view> known) const {
  for (const auto& parameter : parameters_) {
    if (std::find(known.begin(), known.end(), parameter.first) != known.end()) continue;
    std::string list;
    for (const auto name : known) list += (list.empty() ? "" : ", ") + std::string(name);
    return bad_parameter(parameter.first, list.empty() ? "nothing is expected here" : "expected are " + list);
  }
  return {};
}

Result<Uri> parse_uri(std::string_view target) {
  if (target.size() > kMaxTargetBytes) return bad_target("is too long");
  if (target.empty() || target[0] != '/') return bad_target("must be an absolute path");
  const bool has_control = std::any_of(target.begin(), target.end(),
                                       [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
  if (has_control) return bad_target("has a space or a control character");
  const size_t question = target.find('?');
  Uri uri;
  uri.path = target.substr(0, question);
  std::string_view walked = uri.path;
  if (walked.starts_with(kExtensionPrefix) && walked.size() > kExtensionPrefix.size() && walked.ends_with('/'))
    walked.remove_suffix(1);
  if (walked != "/") {
    const auto parsed = split(walked.substr(1), '/', [&](std::string_view raw) -> Status {
      auto segment = TRY(percent_decode(raw));
      if (segment.empty() || segment == "." || segment == "..") return bad_target("has an empty or a dotted segment");
      if (uri.segments.size() >= kMaxPathSegments) return bad_target("has too many segments");
      uri.segments.push_back(std::move(segment));
      return {};
    });
    if (!parsed.ok()) return parsed.error();
  }
  if (question != std::string_view::npos) uri.query = TRY(Query::parse(target.substr(question + 1)));
  return uri;
}

}  // namespace novacron::host::api
