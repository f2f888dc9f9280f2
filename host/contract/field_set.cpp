#include "host/contract/field_set.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/contract/json.h"
#include "host/contract/violations.h"

namespace novacron::host::contract {

namespace {
using nlohmann::json;

enum class Shape { kValue, kMessage, kMap, kMapOfMessages, kItems };

Shape shape_of(const Field& field, const json& value) {
  const bool of_messages = field.type == FieldType::kMessage;
  if (value.empty() || !value.is_structured()) return Shape::kValue;
  if (field.cardinality == Cardinality::kMap) return of_messages ? Shape::kMapOfMessages : Shape::kMap;
  if (field.cardinality == Cardinality::kRepeated) return field.list_keys.empty() ? Shape::kValue : Shape::kItems;
  return of_messages ? Shape::kMessage : Shape::kValue;
}

/// "[name=saw]"
std::string item_name(const Field& field, const json& item) {
  std::string keys;
  for (const auto& name : field.list_keys) {
    const auto key = item.find(name);
    if (key == item.end()) continue;
    keys += (keys.empty() ? "" : ",") + name + "=" + (key->is_string() ? key->get<std::string>() : key->dump());
  }
  return "[" + keys + "]";
}

void add_message(const Field& field, const json& value, const std::string& path, Leaves& leaves) {
  if (value.empty()) {
    leaves.emplace(path, value.dump());
  } else {
    leaves.merge(leaves_of(*field.message, value, path));
  }
}

void add_field(const Field& field, const json& value, const std::string& path, Leaves& leaves) {
  switch (shape_of(field, value)) {
    case Shape::kValue:
      leaves.emplace(path, value.dump());
      return;
    case Shape::kMessage:
      return add_message(field, value, path, leaves);
    case Shape::kMap:
      for (const auto& [key, entry] : value.items()) leaves.emplace(key_path(path, key), entry.dump());
      return;
    case Shape::kMapOfMessages:
      for (const auto& [key, entry] : value.items()) add_message(field, entry, key_path(path, key), leaves);
      return;
    case Shape::kItems:
      for (const auto& item : value) add_message(field, item, path + item_name(field, item), leaves);
      return;
  }
}

bool is_mask(const Field& field, const json& value) {
  return field.secret && value.is_string() && value.get_ref<const std::string&>() == kSecretMask;
}

void leave_oneof(const MessageType& type, const Field& set, json& live) {
  if (set.oneof.empty()) return;
  for (const auto& other : type.fields) {
    if (other.oneof == set.oneof && other.name != set.name) live.erase(other.name);
  }
}

void merge_items(const Field& field, const json& given, json& live) {
  for (const auto& item : given) {
    const auto name = item_name(field, item);
    const auto same =
        std::find_if(live.begin(), live.end(), [&](const json& other) { return item_name(field, other) == name; });
    if (same == live.end()) {
      live.push_back(item);
    } else {
      merge_fields(*field.message, item, *same);
    }
  }
}

void merge_entries(const Field& field, const json& given, json& live) {
  for (const auto& [key, entry] : given.items()) {
    const auto there = live.find(key);
    if (there == live.end()) {
      live[key] = entry;
    } else if (field.type == FieldType::kMessage) {
      merge_fields(*field.message, entry, *there);
    } else if (!is_mask(field, entry)) {
      *there = entry;
    }
  }
}

void merge_field(const Field& field, const json& given, json& live) {
  if (live.is_structured() && given.empty()) return;
  switch (live.is_structured() ? shape_of(field, given) : Shape::kValue) {
    case Shape::kValue:
      if (!is_mask(field, given) || live.is_null()) live = given;
      return;
    case Shape::kMessage:
      return merge_fields(*field.message, given, live);
    case Shape::kMap:
    case Shape::kMapOfMessages:
      return merge_entries(field, given, live);
    case Shape::kItems:
      return merge_items(field, given, live);
  }
}

class Pruner {
 public:
  Pruner(const Paths& drop, const Paths& keep) : drop_(drop), keep_(keep) {}

  void message(const MessageType& type, json& live, const std::string& path, const std::vector<std::string>& kept) {
    for (const auto& one : type.fields) {
      const auto value = live.find(one.name);
      const bool stays = std::find(kept.begin(), kept.end(), one.name) != kept.end();
      if (value == live.end() || stays || !field(one, *value, join_path(path, one.name))) continue;
      live.erase(one.name);
    }
  }

 private:
  /// Whether nothing is left of it.
  bool field(const Field& field, json& value, const std::string& path) {
    if (!has_within(drop_, path)) return false;
    switch (shape_of(field, value)) {
      case Shape::kValue:
        return true;
      case Shape::kMessage:
        message(*field.message, value, path, {});
        return value.empty();
      case Shape::kMap:
      case Shape::kMapOfMessages:
        entries(field, value, path);
        return value.empty();
      case Shape::kItems:
        items(field, value, path);
        return value.empty();
    }
    return false;
  }

  void entries(const Field& field, json& value, const std::string& path) {
    for (auto entry = value.begin(); entry != value.end();) {
      const auto entry_path = key_path(path, entry.key());
      if (goes(entry_path)) {
        entry = value.erase(entry);
        continue;
      }
      if (field.type == FieldType::kMessage && entry->is_object()) message(*field.message, *entry, entry_path, {});
      ++entry;
    }
  }

  void items(const Field& field, json& value, const std::string& path) {
    for (auto item = value.begin(); item != value.end();) {
      const auto item_path = path + item_name(field, *item);
      if (goes(item_path)) {
        item = value.erase(item);
        continue;
      }
      message(*field.message, *item, item_path, field.list_keys);
      ++item;
    }
  }

  bool goes(const std::string& path) const { return has_within(drop_, path) && !has_within(keep_, path); }

  const Paths& drop_;
  const Paths& keep_;
};
}  // namespace

Leaves leaves_of(const MessageType& type, const json& value, const std::string& path) {
  Leaves leaves;
  for (const auto& field : type.fields) {
    const auto found = value.find(field.name);
    if (found != value.end()) add_field(field, *found, join_path(path, field.name), leaves);
  }
  return leaves;
}

Paths paths_of(const Leaves& leaves) {
  Paths paths;
  for (const auto& [path, value] : leaves) paths.insert(paths.end(), path);
  return paths;
}

bool has_within(const Paths& paths, std::string_view path) {
  if (paths.contains(path)) return true;
  for (const char* next : {".", "["}) {
    const std::string prefix = std::string(path) + next;
    const auto found = paths.lower_bound(prefix);
    if (found != paths.end() && found->starts_with(prefix)) return true;
  }
  return false;
}

Paths items_around(std::string_view path) {
  Paths items;
  for (size_t end = path.find("]."); end != std::string_view::npos; end = path.find("].", end + 1))
    items.emplace(path.substr(0, end + 1));
  return items;
}

void merge_fields(const MessageType& type, const json& given, json& live) {
  for (const auto& field : type.fields) {
    const auto value = given.find(field.name);
    if (value == given.end()) continue;
    leave_oneof(type, field, live);
    merge_field(field, *value, live[field.name]);
  }
}

void prune_fields(const MessageType& type, const Paths& drop, const Paths& keep, json& live, const std::string& path) {
  Pruner(drop, keep).message(type, live, path, {});
}

}  // namespace novacron::host::contract
