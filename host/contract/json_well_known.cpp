#include "host/contract/json_well_known.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/contract/free_form.h"
#include "host/contract/json_decode.h"
#include "host/contract/message.h"
#include "host/contract/time_text.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;
using nlohmann::json;

constexpr const char* kTypeMember = "@type";
constexpr const char* kValueMember = "value";

void set_scalar(pb::Message& message, int number, const Scalar& scalar) {
  write_scalar(message, *message.GetDescriptor()->FindFieldByNumber(number), scalar, Place::kSet);
}

void set_integer(pb::Message& message, int number, int64_t integer) {
  Scalar scalar;
  scalar.integer = integer;
  set_scalar(message, number, scalar);
}

void set_text(pb::Message& message, int number, std::string text) {
  Scalar scalar;
  scalar.text = std::move(text);
  set_scalar(message, number, scalar);
}

pb::Message& mutable_part(pb::Message& value, JsonKind kind) {
  return *value.GetReflection()->MutableMessage(&value, &slot_of(value, kind));
}

pb::Message& add_part(pb::Message& message) {
  return *message.GetReflection()->AddMessage(&message, message.GetDescriptor()->FindFieldByNumber(1));
}

void decode_time(FieldType type, const json& value, pb::Message& message, const std::string& path,
                 Violations& violations) {
  const auto text = value.is_string() ? value.get<std::string>() : std::string();
  const bool timestamp = type == FieldType::kTimestamp;
  const auto time = timestamp ? parse_timestamp(text) : parse_duration_seconds(text);
  if (!time) {
    return violations.add(path, timestamp ? "must be a time in RFC 3339, such as \"2026-01-31T12:00:00Z\""
                                          : "must be seconds with an s, such as \"1.5s\"");
  }
  set_integer(message, 1, time->seconds);
  set_integer(message, 2, time->nanos);
}

void decode_mask(const json& value, pb::Message& message, const std::string& path, Violations& violations) {
  constexpr const char* kUnfit = "must be field paths joined by commas";
  if (!value.is_string()) return violations.add(path, kUnfit);
  const auto& paths = *message.GetDescriptor()->FindFieldByNumber(1);
  for (std::string_view text = value.get_ref<const std::string&>(); !text.empty();) {
    const size_t comma = std::min(text.find(','), text.size());
    Scalar scalar;
    scalar.text = text.substr(0, comma);
    if (scalar.text.empty()) return violations.add(path, kUnfit);
    write_scalar(message, paths, scalar, Place::kAdd);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
}

/// Whether an integer of JSON is still the same as a double.
bool is_exact(const json& integer, double number) {
  constexpr double kTwoTo64 = 18'446'744'073'709'551'616.0;
  if (number < 0) return static_cast<int64_t>(number) == integer.get<int64_t>();
  return number < kTwoTo64 && static_cast<uint64_t>(number) == integer.get<uint64_t>();
}

/// Reads JSON as it stands.
class JsonDecoder {
 public:
  explicit JsonDecoder(Violations& violations) : violations_(violations) {}

  void structure(const json& value, pb::Message& message, const std::string& path, int depth) {
    if (!value.is_object()) return violations_.add(path, "must be an object");
    for (const auto& [name, member] : value.items()) {
      auto& entry = add_part(message);
      set_text(entry, 1, name);
      const auto* slot = entry.GetDescriptor()->FindFieldByNumber(2);
      this->value(member, *entry.GetReflection()->MutableMessage(&entry, slot), key_path(path, name), depth + 2);
    }
  }

  void list(const json& value, pb::Message& message, const std::string& path, int depth) {
    if (!value.is_array()) return violations_.add(path, "must be a list");
    for (size_t i = 0; i < value.size(); ++i) {
      this->value(value[i], add_part(message), index_path(path, i), depth + 1);
    }
  }

  void value(const json& value, pb::Message& message, const std::string& path, int depth) {
    if (depth >= kMaxMessageDepth) return violations_.add(path, "is nested too deep");
    if (value.is_object()) return structure(value, mutable_part(message, JsonKind::kObject), path, depth + 1);
    if (value.is_array()) return list(value, mutable_part(message, JsonKind::kList), path, depth + 1);
    if (value.is_number()) return number(value, message, path);
    Scalar scalar;
    if (value.is_string()) scalar.text = value.get<std::string>();
    if (value.is_boolean()) scalar.flag = value.get<bool>();
    const JsonKind kind = value.is_string() ? JsonKind::kText : value.is_boolean() ? JsonKind::kFlag : JsonKind::kNull;
    set_scalar(message, static_cast<int>(kind), scalar);
  }

 private:
  void number(const json& value, pb::Message& message, const std::string& path) {
    Scalar scalar;
    scalar.number = value.get<double>();
    if (value.is_number_integer() && !is_exact(value, scalar.number)) {
      return violations_.add(path, "is too large to be kept exactly; write it as a string");
    }
    set_scalar(message, static_cast<int>(JsonKind::kNumber), scalar);
  }

  Violations& violations_;
};

class AnyDecoder {
 public:
  AnyDecoder(const MessageType& any, const std::string& path, Violations& violations)
      : any_(any), path_(path), violations_(violations) {}

  void run(const json& value, pb::Message& message, int depth) {
    if (!value.is_object()) return violations_.add(path_, "must be an object");
    if (value.empty()) return;
    const MessageType* type = type_of(value);
    if (type == nullptr) return;
    const std::unique_ptr<pb::Message> content(type->prototype->New());
    if (type->json == FieldType::kMessage) {
      json members = value;
      members.erase(kTypeMember);
      decode_message(*type, members, *content, path_, violations_, depth + 1);
    } else {
      decode_alone(*type, value, *content, depth);
    }
    set_text(message, 1, value[kTypeMember].get<std::string>());
    set_text(message, 2, serialize(*content));
  }

 private:
  const MessageType* type_of(const json& value) {
    const auto url = value.find(kTypeMember);
    if (url == value.end() || !url->is_string() || url->get_ref<const std::string&>().find('/') == std::string::npos) {
      violations_.add(join_path(path_, kTypeMember), "is required, such as \"type.googleapis.com/shop.v1.Tool\"");
      return nullptr;
    }
    const auto* type = type_in_any(any_, url->get_ref<const std::string&>());
    if (type == nullptr) {
      violations_.add(join_path(path_, kTypeMember), "no installed contract has the message of this type");
    } else if (type->has_secrets) {
      violations_.add(join_path(path_, kTypeMember), type->full_name + " has secrets, which an Any cannot keep");
      type = nullptr;
    }
    return type;
  }

  void decode_alone(const MessageType& type, const json& value, pb::Message& content, int depth) {
    const auto own = value.find(kValueMember);
    if (own == value.end() || value.size() != 2) {
      return violations_.add(path_, "must have @type and value, and nothing else");
    }
    decode_value(type, *own, content, join_path(path_, kValueMember), violations_, depth + 1);
  }

  const MessageType& any_;
  const std::string& path_;
  Violations& violations_;
};
}  // namespace

void decode_well_known(const MessageType& type, const json& value, pb::Message& message, const std::string& path,
                       Violations& violations, int depth) {
  switch (type.json) {
    case FieldType::kTimestamp:
    case FieldType::kDuration:
      return decode_time(type.json, value, message, path, violations);
    case FieldType::kFieldMask:
      return decode_mask(value, message, path, violations);
    case FieldType::kWrapper:
      return decode_field(type.fields.front(), value, message, path, violations, depth);
    case FieldType::kStruct:
      return JsonDecoder(violations).structure(value, message, path, depth);
    case FieldType::kListValue:
      return JsonDecoder(violations).list(value, message, path, depth);
    case FieldType::kAny:
      return AnyDecoder(type, path, violations).run(value, message, depth);
    default:
      return JsonDecoder(violations).value(value, message, path, depth);
  }
}

const MessageType* type_in_any(const MessageType& any, std::string_view type_url) {
  const size_t slash = type_url.rfind('/');
  return slash == std::string_view::npos ? nullptr : any.types->find_type(type_url.substr(slash + 1));
}

}  // namespace novacron::host::contract
