#include "host/cli/describe.h"

#include <nlohmann/json.hpp>

#include "host/cli/object_view.h"
#include "host/cli/text.h"

namespace novacron::host::cli {
namespace {

using contract::Cardinality;
using contract::Field;
using contract::FieldType;
using contract::MessageType;
using nlohmann::json;

constexpr size_t kIndent = 2;
constexpr size_t kMaxDepth = 16;
constexpr size_t kMaxBytesShown = 60;

std::string label(const std::string& field) {
  std::string text = field;
  for (char& c : text) {
    if (c == '_') c = ' ';
  }
  return text;
}

std::string short_text(const Field& field, const json& value) {
  std::string text = field_text(field, value);
  if (field.type == FieldType::kBytes && text.size() > kMaxBytesShown) text = text.substr(0, kMaxBytesShown) + "…";
  return printable(text);
}

/// Items of a list as rows; a field that no item has gets no column.
std::string item_table(const MessageType& type, const json& items, size_t indent) {
  Table table;
  for (const Field& field : type.fields) {
    bool used = false;
    for (const json& item : items) used = used || !value_at(item, field.name).is_null();
    if (used) table.headings.push_back(field.name);
  }
  for (const json& item : items) {
    Row row;
    for (const std::string& name : table.headings) row.push_back(short_text(*type.find(name), value_at(item, name)));
    table.rows.push_back(std::move(row));
  }
  std::string out;
  const std::vector<size_t> widths = column_widths(table);
  out += std::string(indent, ' ') + table_line(table.headings, widths);
  for (const Row& row : table.rows) out += std::string(indent, ' ') + table_line(row, widths);
  return out;
}

void describe_message(const MessageType& type, const json& value, size_t indent, std::string& out) {
  std::vector<std::pair<std::string, std::string>> lines;
  size_t widest = 0;
  for (const Field& field : type.fields) widest = std::max(widest, text_width(label(field.name)));
  for (const Field& field : type.fields) {
    const json& part = value_at(value, field.name);
    if (part.is_null() || (part.is_structured() && part.empty())) continue;
    const std::string head = std::string(indent, ' ') + label(field.name) + ":";
    const bool message = field.type == FieldType::kMessage && field.cardinality != Cardinality::kMap;
    if (message && part.is_array()) {
      out += head + "\n" + item_table(*field.message, part, indent + kIndent);
    } else if (message && indent < kIndent * kMaxDepth) {
      out += head + "\n";
      describe_message(*field.message, part, indent + kIndent, out);
    } else {
      out += pad_right(head, indent + widest + 2) + short_text(field, part) + "\n";
    }
  }
}

void describe_part(const std::string& heading, const MessageType* type, const json& value, std::string& out) {
  if (type == nullptr || !value.is_object() || value.empty()) return;
  out += "\n" + heading + "\n";
  describe_message(*type, value, kIndent, out);
}

}  // namespace

std::string describe_object(const contract::Kind& kind, const json& object, uint64_t now_ns) {
  std::string out = kind.name + " " + printable(text_at(object, "metadata.name"));
  const std::string age = age_text(text_at(object, "metadata.created_at"), now_ns);
  if (!age.empty()) out += ", " + age + " old";
  out += "\n";
  const Field* metadata = kind.message->find("metadata");
  describe_part("Metadata", metadata == nullptr ? nullptr : metadata->message, value_at(object, "metadata"), out);
  describe_part("Spec", kind.spec, value_at(object, "spec"), out);
  describe_part("Status", kind.status, value_at(object, "status"), out);
  return out;
}

}  // namespace novacron::host::cli
