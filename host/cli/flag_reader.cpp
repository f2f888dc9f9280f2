#include "host/cli/flag_reader.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/cli/exit_code.h"
#include "host/cli/flag_value.h"
#include "host/cli/suggest.h"
#include "host/contract/base64.h"
#include "host/contract/json.h"

namespace novacron::host::cli {
namespace {

using contract::Cardinality;
using contract::Field;
using contract::FieldType;
using contract::MessageType;
using contract::Unit;
using nlohmann::json;

Result<json> read_bytes(const std::string& text, const ReadFile& read_file) {
  if (!text.starts_with('@')) return json(contract::base64_encode(text));
  return json(contract::base64_encode(TRY(read_file(text.substr(1)))));
}

std::string without_line_end(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    if (c == '-') return '_';
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

Result<json> read_enum(const Field& field, const std::string& text) {
  const std::string wanted = upper(text);
  std::vector<std::string> names;
  for (const auto& value : field.enumeration->values) {
    if (value.name == wanted || value.full_name == wanted) return json(value.name);
    if (value.number != 0) names.push_back(value.name);
  }
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return usage_error("\"" + text + "\" is none of " + list + "." + did_you_mean(wanted, names));
}

/// `given` is what was typed, for the error.
Result<json> read_json(const Field& field, const std::string& text, const std::string& given) {
  auto value = contract::text_to_json(field, text);
  if (!value.ok()) return usage_error("\"" + given + "\" " + value.error().message);
  return json::parse(*value, nullptr, false);
}

std::string_view unit_suffix(Unit unit) {
  switch (unit) {
    case Unit::kBytes:
      return "_bytes";
    case Unit::kDuration:
      return "_ns";
    case Unit::kCpu:
      return "_milli";
    case Unit::kNone:
      break;
  }
  return "";
}

/// `key` is the field's name, with dashes or underscores, with or without its unit.
bool is_key_of(const Field& field, std::string_view key) {
  std::string wanted(key);
  std::replace(wanted.begin(), wanted.end(), '-', '_');
  return field.name == wanted ||
         (field.unit != Unit::kNone && field.name == wanted + std::string(unit_suffix(field.unit)));
}

Error unknown_key(const MessageType& message, const std::string& key) {
  std::vector<std::string> names;
  std::string list;
  for (const Field& field : message.fields) {
    const std::string_view suffix = unit_suffix(field.unit);
    std::string name = field.name;
    if (!suffix.empty() && name.ends_with(suffix)) name.erase(name.size() - suffix.size());
    list += (list.empty() ? "" : ", ") + name;
    names.push_back(std::move(name));
  }
  return usage_error("there is no key \"" + key + "\"; there are " + list + "." + did_you_mean(key, names));
}

/// Writes one pair of an item; what follows a dot in the key reaches into a message or a map.
Status put_pair(const MessageType& message, const std::string& key, const std::string& text, const ReadFile& read_file,
                json& item) {
  const size_t dot = key.find('.');
  const std::string head = key.substr(0, dot);
  const std::string rest = dot == std::string::npos ? "" : key.substr(dot + 1);
  const auto found = std::find_if(message.fields.begin(), message.fields.end(),
                                  [&](const Field& field) { return is_key_of(field, head); });
  if (found == message.fields.end()) return unknown_key(message, head);
  const Field& field = *found;
  json& value = item[field.name];
  if (field.cardinality == Cardinality::kMap && field.type != FieldType::kMessage && !rest.empty()) {
    value[rest] = TRY(read_scalar(field, text, read_file));
    return {};
  }
  if (field.cardinality == Cardinality::kSingle && field.type == FieldType::kMessage && !rest.empty()) {
    return put_pair(*field.message, rest, text, read_file, value);
  }
  if (field.type == FieldType::kMessage || field.cardinality == Cardinality::kMap) {
    return usage_error("the key \"" + key + "\" needs " + head + ".KEY=VALUE, or use --from-file");
  }
  if (!rest.empty()) return usage_error("\"" + head + "\" has no parts");
  json scalar = TRY(read_scalar(field, text, read_file));
  if (field.cardinality == Cardinality::kRepeated) {
    value.push_back(std::move(scalar));
  } else if (!value.is_null()) {
    return usage_error("the key \"" + key + "\" occurs twice");
  } else {
    value = std::move(scalar);
  }
  return {};
}

}  // namespace

Result<json> read_scalar(const Field& field, const std::string& text, const ReadFile& read_file) {
  if (field.type == FieldType::kBytes) return read_bytes(text, read_file);
  if (field.type == FieldType::kEnum) return read_enum(field, text);
  if (field.type == FieldType::kWrapper) return read_scalar(field.special->fields.front(), text, read_file);
  if (contract::is_free_form(field.type) && text.starts_with('@')) {
    const std::string file = TRY(read_file(text.substr(1)));
    return read_json(field, file, text);
  }
  if (contract::is_free_form(field.type)) return read_json(field, text, text);
  if (field.secret && text.starts_with('@')) return json(without_line_end(TRY(read_file(text.substr(1)))));
  auto value = contract::text_to_json(field, text);
  if (!value.ok()) return usage_error("\"" + text + "\" " + value.error().message);
  const bool integer = field.type >= FieldType::kInt32 && field.type <= FieldType::kUint64;
  if (integer && field.unit == Unit::kNone) {
    json number = json::parse(text, nullptr, false);
    if (number.is_number()) return number;
  }
  return json::parse(*value, nullptr, false);
}

Result<json> read_item(const MessageType& message, std::string_view text, const ReadFile& read_file) {
  json item = json::object();
  const Pairs pairs = TRY(parse_pairs(text));
  for (const auto& [key, value] : pairs) TRY_STATUS(put_pair(message, key, value, read_file, item));
  return item;
}

}  // namespace novacron::host::cli
