#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <nlohmann/json.hpp>
#include <set>

#include "host/contract/json.h"
#include "host/contract/json_decode.h"
#include "host/contract/json_text.h"
#include "host/contract/message.h"
#include "host/contract/validate.h"
#include "host/contract/violations.h"
#include "host/contract/walk.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

void fill_defaults(const MessageType& type, pb::Message& message, Violations& violations) {
  for (const auto& field : type.fields) {
    if (!field.rules.default_json.empty() && !is_present(message, *field.descriptor)) {
      const auto value = parse_json(field.rules.default_json);
      if (value.ok()) decode_field(field, *value, message, field.name, violations);
    }
    each_mutable_message(field, message, field.name, [&](pb::Message& child, const std::string&) {
      fill_defaults(*field.message, child, violations);
    });
  }
}

/// Calls change(slot, owner, path) for each secret that is set: the owner is the message itself or an entry of a map.
template <class Change>
void each_secret(const Field& field, pb::Message& message, const std::string& path, Change&& change) {
  if (!field.secret || !is_present(message, *field.descriptor)) return;
  if (field.cardinality == Cardinality::kSingle) return change(*field.descriptor, message, path);
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field.descriptor); ++i) {
    auto& entry = *message.GetReflection()->MutableRepeatedMessage(&message, field.descriptor, i);
    const auto key = scalar_text(field.map_key, read_scalar(entry, *entry.GetDescriptor()->map_key()));
    change(*entry.GetDescriptor()->map_value(), entry, key_path(path, key));
  }
}

/// The secret at the same place in `previous`; empty: none.
std::string previous_secret(const Field& field, const pb::Message* previous, const std::string& path,
                            const std::string& secret_path) {
  if (!previous) return {};
  std::string found;
  const std::unique_ptr<pb::Message> copy(previous->New());
  copy->CopyFrom(*previous);
  each_secret(field, *copy, path, [&](const pb::FieldDescriptor& slot, pb::Message& owner, const std::string& here) {
    if (here == secret_path) found = read_scalar(owner, slot).text;
  });
  return found;
}

void restore_secrets(const Field& field, pb::Message& message, const pb::Message* previous, const std::string& path,
                     Violations& violations) {
  each_secret(field, message, path, [&](const pb::FieldDescriptor& slot, pb::Message& owner, const std::string& here) {
    if (read_scalar(owner, slot).text != kSecretMask) return;
    Scalar kept;
    kept.text = previous_secret(field, previous, path, here);
    if (kept.text.empty()) return violations.add(here, "is the mask of a secret, but there was none before");
    write_scalar(owner, slot, kept, Place::kSet);
  });
}

/// Those that its writer has kept are as the writer wants them.
void carry_unknown(pb::Message& message, const pb::Message& previous) {
  auto& kept = *message.GetReflection()->MutableUnknownFields(&message);
  std::set<int> numbers;
  for (int i = 0; i < kept.field_count(); ++i) numbers.insert(kept.field(i).number());
  const auto& unknown = previous.GetReflection()->GetUnknownFields(previous);
  for (int i = 0; i < unknown.field_count(); ++i) {
    if (!numbers.contains(unknown.field(i).number())) kept.AddField(unknown.field(i));
  }
}

void carry(const MessageType& type, pb::Message& message, const pb::Message* previous, const std::string& path,
           Violations& violations) {
  if (previous) carry_unknown(message, *previous);
  for (const auto& field : type.fields) {
    const std::string field_path = join_path(path, field.name);
    restore_secrets(field, message, previous, field_path, violations);
    each_mutable_message(field, message, field_path, [&](pb::Message& child, const std::string& child_path) {
      const auto* old = previous ? counterpart(field, *previous, child, field_path, child_path) : nullptr;
      carry(*field.message, child, old, child_path, violations);
    });
  }
}

bool has_unknown(const MessageType& type, const pb::Message& message) {
  if (!message.GetReflection()->GetUnknownFields(message).empty()) return true;
  bool found = false;
  for (const auto& field : type.fields) {
    each_message(field, message, field.name, [&](const pb::Message& child, const std::string&) {
      found = found || has_unknown(*field.message, child);
    });
  }
  return found;
}

void mask(const MessageType& type, pb::Message& message) {
  for (const auto& field : type.fields) {
    each_secret(field, message, field.name,
                [](const pb::FieldDescriptor& slot, pb::Message& owner, const std::string&) {
                  Scalar masked;
                  masked.text = kSecretMask;
                  write_scalar(owner, slot, masked, Place::kSet);
                });
    each_mutable_message(field, message, field.name,
                         [&field](pb::Message& child, const std::string&) { mask(*field.message, child); });
  }
}
}  // namespace

Result<std::string> apply_defaults(const MessageType& type, std::string_view bytes) {
  const auto message = TRY(parse_message(type, bytes));
  Violations violations;
  fill_defaults(type, *message, violations);
  TRY_STATUS(violations.status());
  return serialize(*message);
}

Result<std::string> carry_over(const MessageType& type, std::string_view bytes, std::string_view previous,
                               std::string_view path) {
  const auto message = TRY(parse_message(type, bytes));
  const auto before = TRY(parse_message(type, previous));
  Violations violations;
  carry(type, *message, before.get(), std::string(path), violations);
  TRY_STATUS(violations.status());
  return serialize(*message);
}

Result<bool> has_unknown_fields(const MessageType& type, std::string_view bytes) {
  const auto message = TRY(parse_message(type, bytes));
  return has_unknown(type, *message);
}

Result<std::string> mask_secrets(const MessageType& type, std::string_view bytes) {
  const auto message = TRY(parse_message(type, bytes));
  mask(type, *message);
  return serialize(*message);
}

}  // namespace novacron::host::contract
