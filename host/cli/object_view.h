// How objects look to people: values in their units, one row an object, and the formats of -o.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/cli/table.h"
#include "host/contract/types.h"

namespace novacron::host::cli {

enum class Format { kTable, kWide, kJson, kYaml, kCsv, kName };

/// nullopt: no such format.
std::optional<Format> parse_format(std::string_view name);

/// The value at "status.phase"; null if any part is absent.
const nlohmann::json& value_at(const nlohmann::json& object, std::string_view path);

/// A text of an object's field that is there, else "".
std::string text_at(const nlohmann::json& object, std::string_view path);
uint64_t number_at(const nlohmann::json& object, std::string_view path);

/// For people: "512MiB", "1h30m", "a, b". Absent: "".
std::string field_text(const contract::Field& field, const nlohmann::json& value);

/// "5s", "3m", "2h", "4d" since an RFC 3339 time; "" for what is none.
std::string age_text(const std::string& since, uint64_t now_ns);

enum class Columns { kNormal, kWide, kRaw };

/// NAME, the kind's columns, AGE; kWide adds wide columns and the UID, kRaw gives numbers and times as they are stored.
Table object_table(const contract::Kind& kind, const std::vector<nlohmann::json>& objects, Columns columns,
                   uint64_t now_ns);

enum class Shape { kOne, kList };

/// Objects in a format, sorted by name. A list in JSON or YAML is {"items": […]}.
std::string render_objects(const contract::Kind& kind, std::vector<nlohmann::json> objects, Format format, Shape shape,
                           uint64_t now_ns);

/// Any value, where a table would make no sense: kTable is the same as YAML.
std::string render_value(const nlohmann::json& value, Format format);

/// JSON that is indented and ends with a newline.
std::string pretty_json(const nlohmann::json& value);

}  // namespace novacron::host::cli
