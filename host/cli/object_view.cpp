#include "host/cli/object_view.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "host/cli/text.h"
#include "host/cli/yaml.h"
#include "host/contract/time_text.h"
#include "host/contract/units.h"

namespace novacron::host::cli {
namespace {

using contract::Cardinality;
using contract::Field;
using contract::FieldType;
using contract::Kind;
using contract::Unit;
using nlohmann::json;

constexpr uint64_t kNsPerSecond = 1'000'000'000;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string scalar_text(const Field& field, const json& value) {
  if (field.unit != Unit::kNone && value.is_number_unsigned()) {
    return contract::format_with_unit(field.unit, value.get<uint64_t>());
  }
  if (value.is_string()) return value.get<std::string>();
  return dump(value);
}

std::string map_text(const Field& field, const json& value) {
  std::string text;
  for (const auto& [key, item] : value.items())
    text += (text.empty() ? "" : ", ") + key + "=" + scalar_text(field, item);
  return text;
}

std::string raw_text(const json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : dump(value);
}

std::string cell(const contract::Column& column, const json& object, Columns columns) {
  const json& value = value_at(object, column.path);
  if (columns == Columns::kRaw || column.field == nullptr) return raw_text(value);
  return field_text(*column.field, value);
}

Row object_row(const Kind& kind, const json& object, Columns columns, uint64_t now_ns) {
  Row row = {text_at(object, "metadata.name")};
  for (const auto& column : kind.columns) {
    if (!column.wide || columns != Columns::kNormal) row.push_back(cell(column, object, columns));
  }
  const std::string created = text_at(object, "metadata.created_at");
  row.push_back(columns == Columns::kRaw ? created : age_text(created, now_ns));
  if (columns != Columns::kNormal) row.push_back(text_at(object, "metadata.uid"));
  return row;
}

std::string names(const std::vector<json>& objects) {
  std::string out;
  for (const json& object : objects) out += printable(text_at(object, "metadata.name")) + "\n";
  return out;
}

}  // namespace

std::optional<Format> parse_format(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Format>, 6> kFormats = {{{"table", Format::kTable},
                                                                            {"wide", Format::kWide},
                                                                            {"json", Format::kJson},
                                                                            {"yaml", Format::kYaml},
                                                                            {"csv", Format::kCsv},
                                                                            {"name", Format::kName}}};
  for (const auto& [word, format] : kFormats) {
    if (word == name) return format;
  }
  return std::nullopt;
}

const json& value_at(const json& object, std::string_view path) {
  static const json kAbsent;
  const json* at = &object;
  while (!path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    if (!at->is_object()) return kAbsent;
    const auto found = at->find(std::string(path.substr(0, dot)));
    if (found == at->end()) return kAbsent;
    at = &*found;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return *at;
}

std::string text_at(const json& object, std::string_view path) {
  const json& value = value_at(object, path);
  return value.is_string() ? value.get<std::string>() : "";
}

uint64_t number_at(const json& object, std::string_view path) {
  const json& value = value_at(object, path);
  const bool fits = value.is_number_unsigned() || (value.is_number_integer() && value.get<int64_t>() >= 0);
  return fits ? value.get<uint64_t>() : 0;
}

std::string field_text(const Field& field, const json& value) {
  if (value.is_null()) return "";
  if (field.cardinality == Cardinality::kMap && value.is_object()) return map_text(field, value);
  if (!value.is_array()) return scalar_text(field, value);
  std::string text;
  for (const json& item : value) text += (text.empty() ? "" : ", ") + scalar_text(field, item);
  return text;
}

std::string age_text(const std::string& since, uint64_t now_ns) {
  const auto time = contract::parse_timestamp(since);
  if (!time) return "";
  const auto now = static_cast<int64_t>(now_ns / kNsPerSecond);
  const int64_t seconds = std::max<int64_t>(0, now - time->seconds);
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 2 * 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 2 * 86400) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

Table object_table(const Kind& kind, const std::vector<json>& objects, Columns columns, uint64_t now_ns) {
  Table table{{"NAME"}, {}};
  for (const auto& column : kind.columns) {
    if (!column.wide || columns != Columns::kNormal) table.headings.push_back(column.heading);
  }
  table.headings.push_back(columns == Columns::kRaw ? "CREATED" : "AGE");
  if (columns != Columns::kNormal) table.headings.push_back("UID");
  for (const json& object : objects) table.rows.push_back(object_row(kind, object, columns, now_ns));
  return table;
}

std::string render_objects(const Kind& kind, std::vector<json> objects, Format format, Shape shape, uint64_t now_ns) {
  std::stable_sort(objects.begin(), objects.end(), [](const json& a, const json& b) {
    return text_at(a, "metadata.name") < text_at(b, "metadata.name");
  });
  switch (format) {
    case Format::kTable:
      return render_table(object_table(kind, objects, Columns::kNormal, now_ns));
    case Format::kWide:
      return render_table(object_table(kind, objects, Columns::kWide, now_ns));
    case Format::kCsv:
      return render_csv(object_table(kind, objects, Columns::kRaw, now_ns));
    case Format::kName:
      return names(objects);
    case Format::kJson:
    case Format::kYaml:
      break;
  }
  const bool one = shape == Shape::kOne && objects.size() == 1;
  return render_value(one ? objects[0] : json{{"items", objects}}, format);
}

std::string render_value(const json& value, Format format) {
  return format == Format::kJson ? pretty_json(value) : to_yaml(value);
}

std::string pretty_json(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace novacron::host::cli
