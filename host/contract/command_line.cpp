#include "host/contract/command_line.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "host/contract/base64.h"
#include "host/contract/json.h"
#include "host/contract/json_text.h"
#include "host/contract/units.h"

namespace novacron::host::contract {

namespace {
using nlohmann::json;

constexpr std::string_view kDefaultTenant = "default";
constexpr size_t kMaxDepth = 6;  ///< of messages that flags reach into

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string raw_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : dump(value);
}

std::string dashed(std::string text) {
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./:=@,+").find(c) != std::string_view::npos;
  });
}

/// The text that a flag or a pair takes for one value; none: there is no such text.
std::optional<std::string> value_text(const Field& field, const json& value) {
  if (field.secret) return "@FILE";
  if (field.unit != Unit::kNone && value.is_number_unsigned())
    return format_with_unit(field.unit, value.get<uint64_t>());
  if (field.type != FieldType::kBytes) return raw_text(value);
  const auto bytes = base64_decode(value.is_string() ? value.get<std::string>() : "");
  const bool is_text = bytes && !bytes->empty() && bytes->front() != '@' &&
                       std::all_of(bytes->begin(), bytes->end(), [](char c) { return c >= ' ' && c <= '~'; });
  return is_text ? bytes : std::optional<std::string>("@FILE");
}

std::string quoted_pair(const std::string& key, const std::string& value) {
  std::string out = key + "=\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// Appends the pairs of one item of a list; false: they cannot say it.
bool add_pairs(const MessageType& type, const json& item, const std::string& prefix, size_t depth, std::string& out) {
  for (const auto& field : type.fields) {
    const auto found = item.find(field.name);
    if (found == item.end()) continue;
    const bool message = field.type == FieldType::kMessage;
    if (field.cardinality == Cardinality::kMap || (message && field.cardinality == Cardinality::kRepeated))
      return false;
    if (message) {
      if (depth >= kMaxDepth || !add_pairs(*field.message, *found, prefix + field.name + ".", depth + 1, out))
        return false;
      continue;
    }
    for (const json& value : found->is_array() ? *found : json::array({*found})) {
      const auto text = value_text(field, value);
      const bool bare = is_plain(*text) && text->find(',') == std::string::npos;
      if (!out.empty()) out += ',';
      out += bare ? prefix + field.name + "=" + *text : quoted_pair(prefix + field.name, *text);
    }
  }
  return true;
}

/// A flag for each field that is there, named as the command line names it.
class FlagWriter {
 public:
  FlagWriter() {
    for (const auto name : kEveryCommandsFlags) take_name(std::string(name));
  }

  void write(const MessageType& type, const json& object, const std::string& derived = "--", size_t depth = 1) {
    for (const auto& field : type.fields) {
      const auto found = object.is_object() ? object.find(field.name) : object.end();
      const bool there = object.is_object() && found != object.end();
      if (field.cli.hidden) {
        complete_ = complete_ && !there;
        continue;
      }
      const std::string name = derived + (derived == "--" ? "" : "-") + dashed(field.name);
      const bool nested = field.type == FieldType::kMessage && field.cardinality == Cardinality::kSingle;
      if (nested && field.cli.flag.empty()) {
        if (depth + 1 < kMaxDepth)
          write(*field.message, there ? *found : json(), name, depth + 1);
        else
          complete_ = complete_ && !there;
        continue;
      }
      const std::string flag = name_of(field, name);
      if (there && (flag.empty() || !add(flag, field, *found))) complete_ = false;
    }
  }

  /// Flags say all of it.
  bool is_complete() const { return complete_; }
  const std::string& text() const { return text_; }

 private:
  bool take_name(const std::string& name) { return taken_.insert(name).second; }

  std::string name_of(const Field& field, const std::string& derived) {
    const bool map_of_messages = field.cardinality == Cardinality::kMap && field.type == FieldType::kMessage;
    if (map_of_messages) return {};
    const std::string name = field.cli.flag.empty() ? derived : field.cli.flag;
    if (take_name(name)) return name;
    const std::string longer = "--spec" + derived.substr(1);
    return take_name(longer) ? longer : std::string();
  }

  bool add(const std::string& flag, const Field& field, const json& value) {
    if (field.cardinality == Cardinality::kMap) {
      for (const auto& [key, item] : value.items()) put(flag, key + "=" + *value_text(field, item));
      return !field.secret;
    }
    for (const json& item : field.cardinality == Cardinality::kRepeated ? value : json::array({value})) {
      if (field.type == FieldType::kMessage) {
        std::string pairs;
        if (!add_pairs(*field.message, item, "", 1, pairs)) return false;
        put(flag, pairs);
      } else if (field.type == FieldType::kBool && item == true) {
        text_ += " " + flag;
      } else if (field.type == FieldType::kBool) {
        text_ += " " + flag + "=" + dump(item);
      } else {
        put(flag, *value_text(field, item));
      }
    }
    return true;
  }

  void put(const std::string& flag, const std::string& value) {
    text_ += " " + flag + (value.starts_with('-') ? "=" : " ") + shell_word(value);
  }

  std::set<std::string> taken_;
  std::string text_;
  bool complete_ = true;
};

std::string noun_of(const Kind& kind) {
  return kind.short_names.empty() ? kind.segment : kind.short_names.front();
}

std::string in_tenant(const CommandTarget& target) {
  return target.tenant.empty() || target.tenant == kDefaultTenant ? "" : " --tenant " + shell_word(target.tenant);
}

std::string begin(const CommandTarget& target, std::string_view verb) {
  return "novacron " + noun_of(target.kind) + " " + std::string(verb) + " " + shell_word(target.name);
}

/// " --label app=web"; false in `complete` when there is more to the metadata than that.
std::string labels_of(const json& metadata, bool& complete) {
  std::string out;
  for (const auto& [list, flag] : {std::pair("labels", " --label "), std::pair("annotations", " --annotation ")}) {
    const json entries = metadata.value(list, json::object());  // named: items() keeps no temporary
    for (const auto& [key, value] : entries.items()) out += flag + shell_word(key + "=" + raw_text(value));
  }
  complete = complete && !metadata.contains("owners") && !metadata.contains("finalizers");
  return out;
}

/// The merge patch that makes `before` like `after`.
json difference(const json& before, const json& after) {
  if (!before.is_object() || !after.is_object()) return after;
  json patch = json::object();
  for (const auto& [name, value] : after.items()) {
    const auto was = before.find(name);
    if (was == before.end())
      patch[name] = value;
    else if (*was != value)
      patch[name] = difference(*was, value);
  }
  for (const auto& [name, value] : before.items()) {
    if (!after.contains(name)) patch[name] = nullptr;
  }
  return patch;
}

/// What a user may change.
json changeable(const json& document) {
  const json metadata = document.value("metadata", json::object());
  json out = {{"metadata", json::object()}, {"spec", document.value("spec", json::object())}};
  for (const char* name : {"labels", "annotations", "owners", "finalizers"}) {
    if (metadata.contains(name)) out["metadata"][name] = metadata[name];
  }
  return out;
}
}  // namespace

std::string shell_word(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string create_command_line(const CommandTarget& target, const json& document) {
  FlagWriter flags;
  flags.write(*target.kind.spec, document.value("spec", json::object()));
  bool complete = flags.is_complete();
  const std::string labels = labels_of(document.value("metadata", json::object()), complete);
  const std::string line = begin(target, "create") + flags.text() + labels;
  if (complete && line.size() <= kMaxCommandBytes) return line + in_tenant(target);
  return begin(target, "create") + " --from-file FILE" + in_tenant(target);
}

std::string patch_command_line(const CommandTarget& target, const json& before, const json& after) {
  const std::string patch = dump(difference(changeable(before), changeable(after)));
  const std::string line = "novacron patch " + noun_of(target.kind) + " " + shell_word(target.name) + " -p ";
  return line + (patch.size() <= kMaxCommandBytes ? shell_word(patch) : "@FILE") + in_tenant(target);
}

std::string delete_command_line(const CommandTarget& target) {
  return begin(target, "delete") + (target.kind.confirm_delete ? " --yes" : "") + in_tenant(target);
}

std::string verb_command_line(const CommandTarget& target, std::string_view verb, const MessageType* request,
                              const json& body) {
  FlagWriter flags;
  if (request != nullptr) flags.write(*request, body);
  const std::string line = begin(target, verb) + flags.text();
  return (line.size() <= kMaxCommandBytes ? line : begin(target, verb) + " …") + in_tenant(target);
}

}  // namespace novacron::host::contract
