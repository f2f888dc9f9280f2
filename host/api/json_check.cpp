#include "host/api/json_check.h"

#include <simdjson.h>

#include <nlohmann/json.hpp>

namespace novacron::host::api {
namespace {

constexpr size_t kMostBytes = 16 * 1'024;  ///< of the fast parser, which keeps ten times its longest text
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

template <class Text>
std::string joined(const Text& kind, const Text& name) {
  if (kind.empty() || name.empty()) return {};
  return std::string(kind).append(1, '/').append(name);
}

std::string subject_of(const simdjson::dom::element& json) {
  std::string_view kind, name;
  if (json["kind"].get(kind) != simdjson::SUCCESS || json["name"].get(name) != simdjson::SUCCESS) return {};
  return joined(kind, name);
}

/// What the fast parser refuses and JSON allows, such as numbers beyond 64 bits.
JsonCheck::Finding check_at_leisure(std::string_view text) {
  // Taken by the library below, and broken within another text: a mark in front, and a zero, which ends it for that.
  if (text.starts_with(kByteOrderMark) || text.find('\0') != std::string_view::npos) return {};
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return {};
  const auto text_in = [&json](const char* member) {
    const auto found = json.find(member);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  return {true, json.is_object() ? joined(text_in("kind"), text_in("name")) : std::string()};
}

}  // namespace

class JsonCheck::Parser : public simdjson::dom::parser {};

JsonCheck::JsonCheck() : parser_(std::make_unique<Parser>()) {}
JsonCheck::~JsonCheck() = default;

JsonCheck::Finding JsonCheck::check(std::string_view text) {
  if (text.empty()) return {};
  if (text.size() > kMostBytes) return check_at_leisure(text);
  simdjson::dom::element json;
  if (parser_->parse(text.data(), text.size()).get(json) != simdjson::SUCCESS) return check_at_leisure(text);
  return {true, subject_of(json)};
}

}  // namespace novacron::host::api
