#include "host/contract/compat.h"

#include <google/protobuf/descriptor.pb.h>
#include <novacron/options.pb.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

template <class List, class Key>
const typename List::value_type* find_by(const List& list, Key&& matches) {
  const auto found = std::find_if(list.begin(), list.end(), matches);
  return found == list.end() ? nullptr : &*found;
}

template <class List>
const typename List::value_type* find_by_name(const List& list, const std::string& name) {
  return find_by(list, [&name](const auto& item) { return item.name() == name; });
}

std::string oneof_of(const pb::DescriptorProto& message, const pb::FieldDescriptorProto& field) {
  if (!field.has_oneof_index() || field.proto3_optional()) return {};
  const int index = field.oneof_index();
  return index >= 0 && index < message.oneof_decl_size() ? message.oneof_decl(index).name() : std::string();
}

std::string type_text(const pb::FieldDescriptorProto& field) {
  const std::string type =
      field.type_name().empty() ? pb::FieldDescriptorProto::Type_Name(field.type()) : field.type_name();
  return (field.label() == pb::FieldDescriptorProto::LABEL_REPEATED ? "repeated " : "") + type;
}

class Comparison {
 public:
  explicit Comparison(Violations& violations) : violations_(violations) {}

  void file(const pb::FileDescriptorProto& older, const pb::FileDescriptorProto& newer) {
    for (const auto& message : older.message_type()) {
      compare(message, find_by_name(newer.message_type(), message.name()), join_path(older.package(), message.name()));
    }
    for (const auto& enumeration : older.enum_type()) {
      compare(enumeration, find_by_name(newer.enum_type(), enumeration.name()),
              join_path(older.package(), enumeration.name()));
    }
    for (const auto& service : older.service()) {
      compare(service, find_by_name(newer.service(), service.name()), join_path(older.package(), service.name()));
    }
  }

 private:
  void compare(const pb::DescriptorProto& older, const pb::DescriptorProto* newer, const std::string& path) {
    if (!newer) return violations_.add(path, "the message was removed");
    for (const auto& field : older.field()) compare_field(older, field, *newer, join_path(path, field.name()));
    for (const auto& field : newer->field()) check_new_field(older, field, join_path(path, field.name()));
    for (const auto& nested : older.nested_type()) {
      compare(nested, find_by_name(newer->nested_type(), nested.name()), join_path(path, nested.name()));
    }
    for (const auto& nested : older.enum_type()) {
      compare(nested, find_by_name(newer->enum_type(), nested.name()), join_path(path, nested.name()));
    }
    compare_kind(older, *newer, path);
  }

  void compare_field(const pb::DescriptorProto& older, const pb::FieldDescriptorProto& field,
                     const pb::DescriptorProto& newer, const std::string& path) {
    const auto number = field.number();
    const auto* other = find_by(newer.field(), [number](const auto& f) { return f.number() == number; });
    if (!other) return violations_.add(path, "field " + std::to_string(number) + " was removed");
    if (other->name() != field.name()) {
      return violations_.add(path, "field " + std::to_string(number) + " is now named " + other->name());
    }
    if (type_text(*other) != type_text(field)) {
      return violations_.add(path, "its type changed from " + type_text(field) + " to " + type_text(*other));
    }
    if (other->proto3_optional() != field.proto3_optional())
      violations_.add(path, "\"optional\" was added or taken away");
    if (oneof_of(older, field) != oneof_of(newer, *other)) violations_.add(path, "it moved into or out of a oneof");
    compare_options(field.options(), other->options(), path);
  }

  /// What is stored and written by others must go on to mean the same.
  void compare_options(const pb::FieldOptions& older, const pb::FieldOptions& newer, const std::string& path) {
    const auto require_same = [&](const auto& was, const auto& is, const char* name) {
      if (was != is) violations_.add(path, std::string("(novacron.") + name + ") changed");
    };
    require_same(older.GetExtension(::novacron::secret), newer.GetExtension(::novacron::secret), "secret");
    require_same(older.GetExtension(::novacron::unit), newer.GetExtension(::novacron::unit), "unit");
    require_same(older.GetExtension(::novacron::blob), newer.GetExtension(::novacron::blob), "blob");
    require_same(older.GetExtension(::novacron::ref).kind(), newer.GetExtension(::novacron::ref).kind(), "ref");
    const auto keys = [](const pb::FieldOptions& options) {
      const auto& list = options.GetExtension(::novacron::list);
      return std::pair(list.type(), std::vector<std::string>(list.keys().begin(), list.keys().end()));
    };
    require_same(keys(older), keys(newer), "list");
    if (!older.GetExtension(::novacron::rules).required() && newer.GetExtension(::novacron::rules).required()) {
      violations_.add(path, "it became required, which older writers do not know");
    }
  }

  void check_new_field(const pb::DescriptorProto& older, const pb::FieldDescriptorProto& field,
                       const std::string& path) {
    const auto number = field.number();
    if (find_by(older.field(), [number](const auto& f) { return f.number() == number; })) return;
    const auto& rules = field.options().GetExtension(::novacron::rules);
    if (rules.required() && rules.default_json().empty()) {
      violations_.add(path, "it is new and required, which older writers do not know; give it a default");
    }
    check_reserved(older, field, path);
  }

  void check_reserved(const pb::DescriptorProto& older, const pb::FieldDescriptorProto& field,
                      const std::string& path) {
    for (const auto& range : older.reserved_range()) {
      if (field.number() >= range.start() && field.number() < range.end()) {
        violations_.add(path, "its number " + std::to_string(field.number()) + " was reserved");
      }
    }
  }

  void compare_kind(const pb::DescriptorProto& older, const pb::DescriptorProto& newer, const std::string& path) {
    if (!older.options().HasExtension(::novacron::kind)) return;
    if (!newer.options().HasExtension(::novacron::kind)) return violations_.add(path, "it is no kind any more");
    const auto& was = older.options().GetExtension(::novacron::kind);
    const auto& is = newer.options().GetExtension(::novacron::kind);
    if (was.scope() != is.scope()) violations_.add(path, "the scope of the kind changed");
    if (was.plural() != is.plural()) violations_.add(path, "the plural of the kind changed");
    for (const auto& verb : was.verbs()) {
      if (!find_by_name(is.verbs(), verb.name())) violations_.add(path, "the verb " + verb.name() + " was removed");
    }
  }

  void compare(const pb::EnumDescriptorProto& older, const pb::EnumDescriptorProto* newer, const std::string& path) {
    if (!newer) return violations_.add(path, "the enum was removed");
    for (const auto& value : older.value()) {
      const auto* other = find_by_name(newer->value(), value.name());
      if (!other) violations_.add(join_path(path, value.name()), "the value was removed");
      if (other && other->number() != value.number())
        violations_.add(join_path(path, value.name()), "its number changed");
    }
  }

  void compare(const pb::ServiceDescriptorProto& older, const pb::ServiceDescriptorProto* newer,
               const std::string& path) {
    if (!newer) return violations_.add(path, "the service was removed");
    for (const auto& method : older.method()) {
      const auto* other = find_by_name(newer->method(), method.name());
      if (!other) {
        violations_.add(join_path(path, method.name()), "the method was removed");
      } else if (other->input_type() != method.input_type() || other->output_type() != method.output_type() ||
                 other->client_streaming() != method.client_streaming() ||
                 other->server_streaming() != method.server_streaming()) {
        violations_.add(join_path(path, method.name()), "the signature of the method changed");
      } else {
        compare_action(method, *other, join_path(path, method.name()));
      }
    }
  }

  void compare_action(const pb::MethodDescriptorProto& older, const pb::MethodDescriptorProto& newer,
                      const std::string& path) {
    if (!older.options().HasExtension(::novacron::action)) return;
    const auto& was = older.options().GetExtension(::novacron::action);
    const auto& is = newer.options().GetExtension(::novacron::action);
    if (was.kind() != is.kind() || was.verb() != is.verb() || was.stream() != is.stream()) {
      violations_.add(path, "the verb that it is changed");
    }
  }

  Violations& violations_;
};
}  // namespace

void require_superset(const pb::FileDescriptorProto& older, const pb::FileDescriptorProto& newer,
                      Violations& violations) {
  Comparison(violations).file(older, newer);
}

}  // namespace novacron::host::contract
