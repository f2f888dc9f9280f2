#include "host/cli/describe.h"
#include "host/cli/exit_code.h"
#include "host/cli/suggest.h"
#include "host/cli/table.h"
#include "host/cli/text.h"

namespace novacron::host::cli {
namespace {

using contract::Cardinality;
using contract::Field;
using contract::FieldType;
using contract::Kind;
using contract::MessageType;
using contract::Unit;

std::string free_form_name(FieldType type) {
  switch (type) {
    case FieldType::kNull:
      return "null";
    case FieldType::kStruct:
      return "JSON object";
    case FieldType::kValue:
      return "JSON";
    case FieldType::kListValue:
      return "JSON list";
    case FieldType::kAny:
      return "any message (\"@type\")";
    default:
      return "object";
  }
}

std::string scalar_name(FieldType type) {
  switch (type) {
    case FieldType::kBool:
      return "bool";
    case FieldType::kInt32:
      return "int32";
    case FieldType::kUint32:
      return "uint32";
    case FieldType::kInt64:
      return "int64";
    case FieldType::kUint64:
      return "uint64";
    case FieldType::kFloat:
      return "float";
    case FieldType::kDouble:
      return "double";
    case FieldType::kString:
      return "string";
    case FieldType::kBytes:
      return "bytes (base64)";
    case FieldType::kTimestamp:
      return "time";
    case FieldType::kDuration:
      return "duration";
    case FieldType::kFieldMask:
      return "field mask";
    default:
      return free_form_name(type);
  }
}

std::string enum_names(const Field& field) {
  std::string names;
  for (const auto& value : field.enumeration->values) {
    if (value.number != 0) names += (names.empty() ? "" : "|") + value.name;
  }
  return names;
}

std::string type_name(const Field& field) {
  std::string name = field.type == FieldType::kEnum ? "enum" : scalar_name(field.type);
  if (field.type == FieldType::kWrapper) name = scalar_name(field.special->fields.front().type);
  if (field.unit == Unit::kBytes) name = "size (512MiB)";
  if (field.unit == Unit::kDuration) name = "duration (30s)";
  if (field.unit == Unit::kCpu) name = "CPUs (500m)";
  if (field.cardinality == Cardinality::kRepeated) return "list of " + name;
  return field.cardinality == Cardinality::kMap ? "map to " + name : name;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string range_text(const contract::Rules& rules) {
  if (!rules.min && !rules.max) return "";
  return (rules.min ? std::to_string(*rules.min) : "") + "…" + (rules.max ? std::to_string(*rules.max) : "");
}

std::string rules_text(const Field& field) {
  std::vector<std::string> rules;
  const auto add = [&rules](bool holds, const std::string& text) {
    if (holds) rules.push_back(text);
  };
  add(field.rules.required, "required");
  add(field.rules.immutable, "cannot change");
  add(field.secret, "write-only");
  add(!range_text(field.rules).empty(), range_text(field.rules));
  add(field.rules.max_length > 0, "at most " + std::to_string(field.rules.max_length) + " long");
  add(!field.rules.pattern.empty(), "matches " + field.rules.pattern);
  add(!field.rules.default_json.empty(), "default " + field.rules.default_json);
  add(field.ref.has_value(), "names a " + (field.ref ? field.ref->kind : ""));
  add(field.blob, "digest of a blob");
  if (!field.list_keys.empty()) rules.push_back("items are known by " + joined(field.list_keys));
  return joined(rules);
}

std::string fields_table(const MessageType& type) {
  Table table{{"FIELD", "TYPE", "RULES", "MEANING"}, {}};
  for (const Field& field : type.fields) {
    std::string meaning = field.cli.summary;
    if (field.type == FieldType::kEnum) meaning += (meaning.empty() ? "" : ": ") + enum_names(field);
    table.rows.push_back({field.name, type_name(field), rules_text(field), meaning});
  }
  return render_table(table);
}

std::string kind_text(const Kind& kind) {
  std::string verbs = "create, list, show, edit, delete";
  for (const auto& verb : kind.verbs) verbs += ", " + verb.name;
  for (const auto& action : kind.actions) verbs += ", " + action.verb;
  std::vector<std::string> nouns = kind.short_names;
  nouns.push_back(kind.segment);
  return kind.id + ": " + kind.summary + "\n\n" +
         render_table({{},
                       {{"nouns", joined(nouns)},
                        {"scope", kind.scope == contract::Scope::kHost ? "host" : "tenant"},
                        {"verbs", verbs}}}) +
         "\n" + fields_table(*kind.message);
}

Error unknown_field(const MessageType& type, const std::string& name) {
  std::vector<std::string> names;
  for (const Field& field : type.fields) names.push_back(field.name);
  return usage_error("there is no field \"" + name + "\"; there are " + joined(names) + "." +
                     did_you_mean(name, names));
}

}  // namespace

Result<std::string> explain_path(const Kind& kind, std::string_view path) {
  if (path.empty()) return kind_text(kind);
  const MessageType* type = kind.message;
  const Field* field = nullptr;
  const std::string whole(path);
  while (!path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    const std::string name(path.substr(0, dot));
    if (type == nullptr) return usage_error("\"" + field->name + "\" has no fields");
    field = type->find(name);
    if (field == nullptr) return unknown_field(*type, name);
    type = field->message;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  std::string text = kind.id + " " + whole + ": " + type_name(*field) + "\n";
  if (!field->cli.summary.empty()) text += "\n" + field->cli.summary + "\n";
  if (field->type == FieldType::kEnum) text += "\none of " + enum_names(*field) + "\n";
  const std::string rules = rules_text(*field);
  if (!rules.empty()) text += "\n" + rules + "\n";
  if (type != nullptr) text += "\n" + fields_table(*type);
  return text;
}

}  // namespace novacron::host::cli
