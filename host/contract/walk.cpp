#include "host/contract/walk.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "host/contract/message.h"
#include "host/contract/violations.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

std::string path_of_entry(const Field& field, const pb::Message& entry, const std::string& path) {
  const auto& key = *entry.GetDescriptor()->map_key();
  return key_path(path, scalar_text(field.map_key, read_scalar(entry, key)));
}
}  // namespace

void each_message(const Field& field, const pb::Message& owner, const std::string& path, const VisitMessage& visit) {
  if (field.type == FieldType::kMessage) each_message_value(field, owner, path, visit);
}

void each_message_value(const Field& field, const pb::Message& owner, const std::string& path,
                        const VisitMessage& visit) {
  if (field.type < FieldType::kTimestamp || !is_present(owner, *field.descriptor)) return;
  const auto& reflection = *owner.GetReflection();
  if (field.cardinality == Cardinality::kSingle) return visit(reflection.GetMessage(owner, field.descriptor), path);
  for (int i = 0; i < reflection.FieldSize(owner, field.descriptor); ++i) {
    const auto& item = reflection.GetRepeatedMessage(owner, field.descriptor, i);
    if (field.cardinality == Cardinality::kRepeated) {
      visit(item, index_path(path, static_cast<size_t>(i)));
    } else {
      const auto& value = item.GetReflection()->GetMessage(item, item.GetDescriptor()->map_value());
      visit(value, path_of_entry(field, item, path));
    }
  }
}

void each_mutable_message(const Field& field, pb::Message& owner, const std::string& path,
                          const ChangeMessage& change) {
  if (field.type != FieldType::kMessage || !is_present(owner, *field.descriptor)) return;
  const auto& reflection = *owner.GetReflection();
  if (field.cardinality == Cardinality::kSingle)
    return change(*reflection.MutableMessage(&owner, field.descriptor), path);
  for (int i = 0; i < reflection.FieldSize(owner, field.descriptor); ++i) {
    auto& item = *reflection.MutableRepeatedMessage(&owner, field.descriptor, i);
    if (field.cardinality == Cardinality::kRepeated) {
      change(item, index_path(path, static_cast<size_t>(i)));
    } else {
      auto& value = *item.GetReflection()->MutableMessage(&item, item.GetDescriptor()->map_value());
      change(value, path_of_entry(field, item, path));
    }
  }
}

void walk(const MessageType& type, const pb::Message& message, const std::string& path, const VisitField& visit) {
  for (const auto& field : type.fields) {
    const std::string field_path = join_path(path, field.name);
    visit(message, type, field, field_path);
    each_message(field, message, field_path, [&](const pb::Message& child, const std::string& child_path) {
      walk(*field.message, child, child_path, visit);
    });
  }
}

std::string item_key(const Field& field, const pb::Message& item) {
  std::string out;
  for (const auto& name : field.list_keys) {
    const Field* key = field.message->find(name);
    if (!is_present(item, *key->descriptor)) return {};
    out += (out.empty() ? "" : ",") + name + "=" + scalar_text(key->type, read_scalar(item, *key->descriptor));
  }
  return out;
}

const pb::Message* counterpart(const Field& field, const pb::Message& previous, const pb::Message& item,
                               const std::string& path, const std::string& item_path) {
  const bool by_key = !field.list_keys.empty();
  if (field.cardinality == Cardinality::kRepeated && !by_key) return nullptr;
  const std::string wanted = by_key ? item_key(field, item) : std::string();
  const pb::Message* found = nullptr;
  each_message(field, previous, path, [&](const pb::Message& candidate, const std::string& candidate_path) {
    const bool same = by_key ? !wanted.empty() && item_key(field, candidate) == wanted : candidate_path == item_path;
    if (same && !found) found = &candidate;
  });
  return found;
}

}  // namespace novacron::host::contract
