#include "sdk/codegen/order.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>

namespace novacron::codegen {
namespace {

namespace pb = google::protobuf;
using Seen = std::set<const pb::Descriptor*>;

// Vectors and maps hold their items elsewhere, and so may hold what is not complete yet.
bool is_held_by_value(const pb::FieldDescriptor* field) {
  return field->message_type() != nullptr && !field->is_repeated();
}

bool holds(const pb::Descriptor* type, const pb::Descriptor* wanted, Seen& seen) {
  if (type == wanted) return true;
  if (type->file() != wanted->file() || !seen.insert(type).second) return false;
  for (int i = 0; i < type->field_count(); ++i) {
    if (is_held_by_value(type->field(i)) && holds(type->field(i)->message_type(), wanted, seen)) return true;
  }
  return false;
}

// The message that a field has one or more of, if it is of the same file.
const pb::Descriptor* item_type(const pb::FieldDescriptor* field) {
  const pb::Descriptor* item =
      field->is_map() ? field->message_type()->map_value()->message_type() : field->message_type();
  return item != nullptr && item->file() == field->file() ? item : nullptr;
}

enum class Boxes { kThrough, kNot };

bool reaches(const pb::Descriptor* type, const pb::Descriptor* wanted, Boxes boxes, Seen& seen) {
  if (type == wanted) return true;
  if (!seen.insert(type).second) return false;
  for (int i = 0; i < type->field_count(); ++i) {
    const pb::FieldDescriptor* field = type->field(i);
    const pb::Descriptor* item = item_type(field);
    if (item == nullptr || (boxes == Boxes::kNot && is_boxed(field))) continue;
    if (reaches(item, wanted, boxes, seen)) return true;
  }
  return false;
}

// Items of vectors and maps come first too wherever no circle forbids it: clang wants them complete.
bool comes_first(const pb::FieldDescriptor* field) {
  if (item_type(field) == nullptr || is_boxed(field)) return false;
  Seen seen;
  return is_held_by_value(field) || !reaches(item_type(field), field->containing_type(), Boxes::kNot, seen);
}

void visit(const pb::Descriptor* type, Seen& seen, std::vector<const pb::Descriptor*>& out) {
  if (type->options().map_entry() || !seen.insert(type).second) return;
  for (int i = 0; i < type->field_count(); ++i) {
    if (comes_first(type->field(i))) visit(item_type(type->field(i)), seen, out);
  }
  out.push_back(type);
  for (int i = 0; i < type->nested_type_count(); ++i) visit(type->nested_type(i), seen, out);
}

void append_enums(const pb::Descriptor* type, std::vector<const pb::EnumDescriptor*>& out) {
  for (int i = 0; i < type->enum_type_count(); ++i) out.push_back(type->enum_type(i));
  for (int i = 0; i < type->nested_type_count(); ++i) append_enums(type->nested_type(i), out);
}

}  // namespace

std::vector<const pb::Descriptor*> messages_in_order(const pb::FileDescriptor* file) {
  std::vector<const pb::Descriptor*> out;
  Seen seen;
  for (int i = 0; i < file->message_type_count(); ++i) visit(file->message_type(i), seen, out);
  return out;
}

std::vector<const pb::EnumDescriptor*> enums_of(const pb::FileDescriptor* file) {
  std::vector<const pb::EnumDescriptor*> out;
  for (int i = 0; i < file->enum_type_count(); ++i) out.push_back(file->enum_type(i));
  for (int i = 0; i < file->message_type_count(); ++i) append_enums(file->message_type(i), out);
  return out;
}

bool is_boxed(const pb::FieldDescriptor* field) {
  if (!is_held_by_value(field)) return false;
  Seen seen;
  if (holds(field->message_type(), field->containing_type(), seen)) return true;
  // A variant needs its alternatives complete, and such a one has lists or maps of what is not complete yet.
  Seen reached;
  return field->real_containing_oneof() != nullptr && item_type(field) != nullptr &&
         reaches(item_type(field), field->containing_type(), Boxes::kThrough, reached);
}

}  // namespace novacron::codegen
