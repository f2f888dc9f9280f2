#include "host/contract/validate.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <set>

#include "host/contract/free_form.h"
#include "host/contract/json.h"
#include "host/contract/lint.h"
#include "host/contract/message.h"
#include "host/contract/units.h"
#include "host/contract/violations.h"
#include "host/contract/walk.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

std::string number_text(const Field& field, int64_t number) {
  if (field.unit == Unit::kNone || number < 0) return std::to_string(number);
  return format_with_unit(field.unit, static_cast<uint64_t>(number));
}

bool is_blob_digest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.starts_with(kPrefix) && text.size() == kPrefix.size() + 64 &&
         std::all_of(text.begin() + kPrefix.size(), text.end(), hex);
}

class FieldCheck {
 public:
  FieldCheck(const Field& field, const pb::Message& message, const std::string& path, Violations& violations)
      : field_(field), message_(message), path_(path), violations_(violations) {}

  void run() {
    if (!is_present(message_, *field_.descriptor)) {
      if (field_.rules.required) violations_.add(path_, "is required");
      return;
    }
    if (field_.cardinality != Cardinality::kSingle) check_length(size(), "items");
    if (field_.cardinality == Cardinality::kRepeated) check_keys();
    each_value([this](const Scalar& value, const std::string& path) { check_value(value, path); });
  }

 private:
  size_t size() const { return static_cast<size_t>(message_.GetReflection()->FieldSize(message_, field_.descriptor)); }

  void check_length(size_t length, const std::string& what) { check_length(length, what, path_); }

  void check_length(size_t length, const std::string& what, const std::string& path) {
    const auto& rules = field_.rules;
    if (rules.max_length != 0 && length > rules.max_length) {
      violations_.add(path, "has " + std::to_string(length) + " " + what + ", at most " +
                                std::to_string(rules.max_length) + " are allowed");
    }
    if (length < rules.min_length) {
      violations_.add(path, "has " + std::to_string(length) + " " + what + ", at least " +
                                std::to_string(rules.min_length) + " are needed");
    }
  }

  void check_keys() {
    if (field_.list_keys.empty()) return;
    std::map<std::string, std::string> seen;
    each_message(field_, message_, path_, [&](const pb::Message& item, const std::string& path) {
      const std::string key = item_key(field_, item);
      if (key.empty()) return violations_.add(path, "needs " + field_.list_keys.front() + ", by which it is found");
      const auto [other, first] = seen.emplace(key, path);
      if (!first) violations_.add(path, key + " is " + other->second + " already");
    });
  }

  template <class Visit>
  void each_value(Visit&& visit) {
    if (field_.type >= FieldType::kTimestamp) return;
    if (field_.cardinality == Cardinality::kSingle) return visit(read_scalar(message_, *field_.descriptor), path_);
    for (size_t i = 0; i < size(); ++i) {
      const auto index = static_cast<int>(i);
      if (field_.cardinality == Cardinality::kRepeated) {
        visit(read_scalar(message_, *field_.descriptor, index), index_path(path_, i));
        continue;
      }
      const auto& entry = message_.GetReflection()->GetRepeatedMessage(message_, field_.descriptor, index);
      const auto& key = *entry.GetDescriptor()->map_key();
      visit(read_scalar(entry, *entry.GetDescriptor()->map_value()),
            key_path(path_, scalar_text(field_.map_key, read_scalar(entry, key))));
    }
  }

  void check_value(const Scalar& value, const std::string& path) {
    const bool is_text = field_.type == FieldType::kString || field_.type == FieldType::kBytes;
    if (is_text && field_.cardinality == Cardinality::kSingle) check_length(value.text.size(), "bytes", path);
    if (field_.rules.matcher && !re2::RE2::FullMatch(value.text, *field_.rules.matcher)) {
      violations_.add(path, "must match " + field_.rules.pattern);
    }
    if (field_.blob && !is_blob_digest(value.text))
      violations_.add(path, "must be sha256: and 64 lower-case hex digits");
    if (field_.ref && !is_label(value.text)) violations_.add(path, "must be the name of a " + field_.ref->kind);
    check_range(value, path);
  }

  void check_range(const Scalar& value, const std::string& path) {
    const auto& rules = field_.rules;
    if (rules.min && below(value, *rules.min)) {
      violations_.add(path, "must be at least " + number_text(field_, *rules.min));
    }
    if (rules.max && above(value, *rules.max)) {
      violations_.add(path, "must be at most " + number_text(field_, *rules.max));
    }
  }

  bool is_floating() const { return field_.type == FieldType::kFloat || field_.type == FieldType::kDouble; }

  bool below(const Scalar& value, int64_t min) const {
    if (is_floating()) return !(value.number >= static_cast<double>(min));
    if (field_.type == FieldType::kUint64) return min > 0 && value.bits() < static_cast<uint64_t>(min);
    return value.integer < min;
  }

  bool above(const Scalar& value, int64_t max) const {
    if (is_floating()) return !(value.number <= static_cast<double>(max));
    if (field_.type == FieldType::kUint64) return max < 0 || value.bits() > static_cast<uint64_t>(max);
    return value.integer > max;
  }

  const Field& field_;
  const pb::Message& message_;
  const std::string& path_;
  Violations& violations_;
};

constexpr int kMaxAnyDepth = 8;

/// The rules of all fields of a message, and of what it holds in an Any.
class MessageCheck {
 public:
  explicit MessageCheck(Violations& violations) : violations_(violations) {}

  void message(const MessageType& type, const pb::Message& message, const std::string& path) {
    walk(type, message, path,
         [this](const pb::Message& owner, const MessageType&, const Field& field, const std::string& field_path) {
           FieldCheck(field, owner, field_path, violations_).run();
           if (!is_free_form(field.type)) return;
           each_message_value(field, owner, field_path, [&](const pb::Message& value, const std::string& value_path) {
             free_form(*field.special, value, value_path);
           });
         });
  }

 private:
  void free_form(const MessageType& type, const pb::Message& message, const std::string& path) {
    check_free_form(type, message, path, violations_,
                    [this](const MessageType& held, const pb::Message& content, const std::string& held_path) {
                      inside(held, content, held_path);
                    });
  }

  void inside(const MessageType& held, const pb::Message& content, const std::string& path) {
    if (any_depth_ == kMaxAnyDepth) return violations_.add(path, "holds an Any in an Any too often");
    ++any_depth_;
    is_free_form(held.json) ? free_form(held, content, path) : message(held, content, path);
    --any_depth_;
  }

  Violations& violations_;
  int any_depth_ = 0;
};

/// The bytes of one field alone.
std::string field_bytes(const pb::Message& message, const pb::FieldDescriptor& field) {
  const std::unique_ptr<pb::Message> copy(message.New());
  copy->CopyFrom(message);
  std::vector<const pb::FieldDescriptor*> set;
  copy->GetReflection()->ListFields(*copy, &set);
  for (const auto* other : set) {
    if (other != &field) copy->GetReflection()->ClearField(copy.get(), other);
  }
  copy->GetReflection()->MutableUnknownFields(copy.get())->Clear();
  return serialize(*copy);
}

void check_immutable(const MessageType& type, const pb::Message& now, const pb::Message& before,
                     const std::string& path, Violations& violations) {
  for (const auto& field : type.fields) {
    const std::string field_path = join_path(path, field.name);
    if (field.rules.immutable) {
      if (field_bytes(now, *field.descriptor) != field_bytes(before, *field.descriptor)) {
        violations.add(field_path, "cannot change after creation");
      }
      continue;
    }
    each_message(field, now, field_path, [&](const pb::Message& item, const std::string& item_path) {
      const auto* old = counterpart(field, before, item, field_path, item_path);
      if (old) check_immutable(*field.message, item, *old, item_path, violations);
    });
  }
}
}  // namespace

Status validate(const MessageType& type, std::string_view bytes, const std::string* previous, std::string_view path) {
  const auto message = TRY(parse_message(type, bytes));
  Violations violations;
  MessageCheck(violations).message(type, *message, std::string(path));
  TRY_STATUS(violations.status());  // what follows wants an Any that was checked
  if (json_levels(type, *message) >= kMaxJsonDepth) violations.add(std::string(path), "is nested too deep");
  if (previous) {
    const auto before = TRY(parse_message(type, *previous));
    check_immutable(type, *message, *before, std::string(path), violations);
  }
  return violations.status();
}

Result<std::vector<FoundReference>> references_of(const MessageType& type, std::string_view bytes,
                                                  std::string_view path) {
  const auto message = TRY(parse_message(type, bytes));
  std::vector<FoundReference> found;
  walk(type, *message, std::string(path),
       [&found](const pb::Message& owner, const MessageType&, const Field& field, const std::string& field_path) {
         if (!field.ref || !is_present(owner, *field.descriptor)) return;
         if (field.cardinality == Cardinality::kSingle) {
           found.push_back({field_path, read_scalar(owner, *field.descriptor).text, *field.ref});
           return;
         }
         for (int i = 0; i < owner.GetReflection()->FieldSize(owner, field.descriptor); ++i) {
           found.push_back({index_path(field_path, static_cast<size_t>(i)),
                            read_scalar(owner, *field.descriptor, i).text, *field.ref});
         }
       });
  return found;
}

Result<std::vector<std::string>> blobs_of(const MessageType& type, std::string_view bytes) {
  const auto message = TRY(parse_message(type, bytes));
  std::set<std::string> found;
  walk(type, *message, "",
       [&found](const pb::Message& owner, const MessageType&, const Field& field, const std::string&) {
         if (!field.blob || !is_present(owner, *field.descriptor)) return;
         if (field.cardinality == Cardinality::kSingle) found.insert(read_scalar(owner, *field.descriptor).text);
         if (field.cardinality != Cardinality::kRepeated) return;
         for (int i = 0; i < owner.GetReflection()->FieldSize(owner, field.descriptor); ++i) {
           found.insert(read_scalar(owner, *field.descriptor, i).text);
         }
       });
  return std::vector<std::string>(found.begin(), found.end());
}

}  // namespace novacron::host::contract
