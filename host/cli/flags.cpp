#include "host/cli/flags.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "host/cli/exit_code.h"
#include "host/cli/flag_reader.h"
#include "host/cli/flag_value.h"

namespace novacron::host::cli {
namespace {

using contract::Cardinality;
using contract::Field;
using contract::FieldType;
using contract::MessageType;
using contract::Unit;
using nlohmann::json;

std::string dashed(std::string text) {
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

bool is_nested(const Field& field) {
  return field.type == FieldType::kMessage && field.cardinality == Cardinality::kSingle;
}

class Deriver {
 public:
  explicit Deriver(const std::vector<OptionSpec>& taken) {
    names_ = {"--help", "-h"};
    for (const OptionSpec& option : taken) {
      names_.insert(option.name);
      names_.insert("--no-" + option.name.substr(2));
      if (!option.short_name.empty()) names_.insert(option.short_name);
    }
  }

  void add(const MessageType& message, const std::vector<std::string>& path) {
    for (const Field& field : message.fields) {
      if (field.cli.hidden || flags.size() >= kMaxFlags) continue;
      std::vector<std::string> below = path;
      below.push_back(field.name);
      if (is_nested(field) && field.cli.flag.empty()) {
        if (below.size() < kMaxFlagDepth) add(*field.message, below);
      } else {
        add_flag(field, std::move(below));
      }
    }
  }

  std::vector<Flag> flags;

 private:
  void add_flag(const Field& field, std::vector<std::string> path) {
    if (field.cardinality == Cardinality::kMap && field.type == FieldType::kMessage) return;
    std::string derived = "-";
    for (const std::string& part : path) derived += "-" + dashed(part);
    std::string name = field.cli.flag.empty() ? derived : field.cli.flag;
    if (!names_.insert(name).second) {
      name = "--spec" + derived.substr(1);
      if (!names_.insert(name).second) return;
    }
    std::string short_name = field.cli.short_flag;
    if (!short_name.empty() && !names_.insert(short_name).second) short_name.clear();
    flags.push_back({name, short_name, std::move(path), &field});
  }

  std::set<std::string> names_;
};

std::string value_name(const Field& field) {
  if (field.cardinality == Cardinality::kMap) return "KEY=VALUE";
  if (field.type == FieldType::kMessage) return "KEY=VALUE,…";
  if (contract::is_free_form(field.type)) return "JSON|@FILE";
  if (field.type == FieldType::kWrapper) return value_name(field.special->fields.front());
  if (field.unit == Unit::kBytes) return "SIZE";
  if (field.unit == Unit::kDuration || field.type == FieldType::kDuration) return "DURATION";
  if (field.unit == Unit::kCpu) return "CPUS";
  switch (field.type) {
    case FieldType::kBool:
      return "";
    case FieldType::kBytes:
      return "TEXT|@FILE";
    case FieldType::kEnum:
      return "STATE";
    case FieldType::kTimestamp:
      return "TIME";
    case FieldType::kString:
      if (field.secret) return "TEXT|@FILE";
      return field.blob ? "DIGEST" : field.ref ? "NAME" : "TEXT";
    default:
      return "N";
  }
}

std::string without_quotes(const std::string& text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

std::string summary_of(const Field& field) {
  std::string text = field.cli.summary;
  if (field.type == FieldType::kEnum) {
    std::string names;
    for (const auto& value : field.enumeration->values) {
      if (value.number != 0) names += (names.empty() ? "" : "|") + value.name;
    }
    text += (text.empty() ? "" : ": ") + names;
  }
  if (field.rules.required) text += text.empty() ? "required" : " (required)";
  if (!field.rules.default_json.empty()) text += " [" + without_quotes(field.rules.default_json) + "]";
  return text;
}

json* descend(json& message, const std::vector<std::string>& path) {
  json* at = &message;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    json& next = (*at)[path[i]];
    if (!next.is_object()) next = json::object();
    at = &next;
  }
  return at;
}

bool same_keys(const Field& field, const json& a, const json& b) {
  return std::all_of(field.list_keys.begin(), field.list_keys.end(), [&](const std::string& key) {
    return a.is_object() && b.is_object() && a.value(key, json()) == b.value(key, json());
  });
}

/// Items with keys take the place of the item with the same keys; without keys the first item starts a new list.
void put_item(const Field& field, json& list, json item, bool first) {
  if (!list.is_array() || (first && field.list_keys.empty())) list = json::array();
  if (!field.list_keys.empty()) {
    for (json& existing : list) {
      if (!same_keys(field, existing, item)) continue;
      existing.merge_patch(item);
      return;
    }
  }
  list.push_back(std::move(item));
}

Status apply_value(const Flag& flag, const std::string& text, bool first, const ReadFile& read_file, json& message) {
  const Field& field = *flag.field;
  json& parent = *descend(message, flag.path);
  if (field.cardinality == Cardinality::kMap) {
    const auto pair = TRY(parse_pair(text));
    json& map = parent[field.name];
    if (!map.is_object()) map = json::object();
    map[pair.first] = TRY(read_scalar(field, pair.second, read_file));
  } else if (field.cardinality == Cardinality::kRepeated) {
    json item = field.type == FieldType::kMessage ? TRY(read_item(*field.message, text, read_file))
                                                  : TRY(read_scalar(field, text, read_file));
    put_item(field, parent[field.name], std::move(item), first);
  } else if (field.type == FieldType::kMessage) {
    json item = TRY(read_item(*field.message, text, read_file));
    if (!parent[field.name].is_object()) parent[field.name] = json::object();
    parent[field.name].merge_patch(item);
  } else {
    parent[field.name] = TRY(read_scalar(field, text, read_file));
  }
  return {};
}

}  // namespace

std::vector<Flag> derive_flags(const MessageType& message, const std::vector<OptionSpec>& taken) {
  Deriver deriver(taken);
  deriver.add(message, {});
  return std::move(deriver.flags);
}

OptionSpec option_of(const Flag& flag) {
  const Field& field = *flag.field;
  const bool repeated = field.cardinality != Cardinality::kSingle;
  std::string value = value_name(field);
  if (repeated && value.empty()) value = "true|false";
  return {flag.name, flag.short_name, value, summary_of(field), {}, repeated};
}

std::vector<Flag> positional_flags(const std::vector<Flag>& flags) {
  std::vector<Flag> found;
  for (const Flag& flag : flags) {
    if (flag.field->cli.positional > 0) found.push_back(flag);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Flag& a, const Flag& b) { return a.field->cli.positional < b.field->cli.positional; });
  return found;
}

Status apply_flags(const std::vector<Flag>& flags, const Arguments& arguments, size_t first_positional,
                   const ReadFile& read_file, json& message) {
  const auto apply = [&](const Flag& flag, const std::string& text, bool first) -> Status {
    const Status applied = apply_value(flag, text, first, read_file, message);
    if (!applied.ok()) return wrap(applied.error(), flag.name);
    return {};
  };
  size_t at = first_positional;
  for (const Flag& flag : positional_flags(flags)) {
    if (at < arguments.positional().size()) TRY_STATUS(apply(flag, arguments.at(at++), true));
  }
  for (const Flag& flag : flags) {
    bool first = true;
    for (const std::string& text : arguments.all(flag.name)) TRY_STATUS(apply(flag, text, std::exchange(first, false)));
  }
  return {};
}

}  // namespace novacron::host::cli
