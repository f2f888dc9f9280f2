#include "sdk/codegen/message_writer.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/printer.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "novacron/options.pb.h"
#include "sdk/codegen/comment.h"
#include "sdk/codegen/fields.h"
#include "sdk/codegen/names.h"

namespace novacron::codegen {
namespace {

namespace pb = google::protobuf;
using pb::io::Printer;
using Variables = std::map<std::string, std::string>;

Variables variables_of(const pb::FieldDescriptor* field) {
  Variables out{{"name", member_name(field->name())},
                {"number", std::to_string(field->number())},
                {"type", member_type(field)},
                {"value", value_type(field)},
                {"default", member_default(field)},
                {"trait", trait(field)},
                {"wire", wire(field)}};
  if (field->is_map()) {
    out["key_trait"] = trait(field->message_type()->map_key());
    out["trait"] = trait(field->message_type()->map_value());
  }
  if (const pb::OneofDescriptor* oneof = field->real_containing_oneof()) {
    out["oneof"] = member_name(oneof->name());
    out["index"] = alternative_name(field);
    out["alternative"] = alternative_type(field);
  }
  return out;
}

void write_nested_aliases(const pb::Descriptor* type, Printer& out) {
  for (int i = 0; i < type->enum_type_count(); ++i) {
    out.Print("using $short$ = $flat$;\n", "short", type->enum_type(i)->name(), "flat", flat_name(type->enum_type(i)));
  }
  for (int i = 0; i < type->nested_type_count(); ++i) {
    const pb::Descriptor* nested = type->nested_type(i);
    if (nested->options().map_entry()) continue;
    out.Print("using $short$ = $flat$;\n", "short", nested->name(), "flat", flat_name(nested));
  }
}

// What the typed resource layer needs to know of a kind.
void write_kind(const pb::Descriptor* type, Printer& out) {
  if (!type->options().HasExtension(novacron::kind)) return;
  out.Print("static constexpr std::string_view kKind = $kind$;\n", "kind",
            quoted(group_of(type->file()) + "/" + type->name()));
  for (const auto& [alias, name] : {std::pair{"Spec", "spec"}, std::pair{"Status", "status"}}) {
    const pb::FieldDescriptor* field = type->FindFieldByName(name);
    if (field == nullptr || field->message_type() == nullptr) continue;
    out.Print("using $alias$ = $type$;\n", "alias", alias, "type", type_name(field->message_type()));
  }
}

void write_oneof_member(const pb::OneofDescriptor* oneof, Printer& out) {
  write_comment(oneof, out);
  out.Print("std::variant<std::monostate");
  for (int i = 0; i < oneof->field_count(); ++i) out.Print(", $type$", "type", alternative_type(oneof->field(i)));
  out.Print("> $name$ = {};\n", "name", member_name(oneof->name()));
  for (int i = 0; i < oneof->field_count(); ++i) {
    out.Print("static constexpr size_t $name$ = $index$;  ///< its index in `$oneof$`\n", "name",
              alternative_name(oneof->field(i)), "index", std::to_string(i + 1), "oneof", member_name(oneof->name()));
  }
}

void write_members(const pb::Descriptor* type, Printer& out) {
  std::set<const pb::OneofDescriptor*> written;
  for (int i = 0; i < type->field_count(); ++i) {
    const pb::FieldDescriptor* field = type->field(i);
    const pb::OneofDescriptor* oneof = field->real_containing_oneof();
    if (oneof != nullptr) {
      if (written.insert(oneof).second) write_oneof_member(oneof, out);
      continue;
    }
    write_comment(field, out);
    out.Print(variables_of(field), "$type$ $name$ = $default$;\n");
  }
  out.Print("std::string unknown_fields = {};  ///< of a newer contract: kept, and written back\n");
}

void write_accessor_declarations(const pb::Descriptor* type, Printer& out) {
  for (int i = 0; i < type->field_count(); ++i) {
    const pb::FieldDescriptor* field = type->field(i);
    if (field->real_containing_oneof() == nullptr) continue;
    const Variables variables = variables_of(field);
    out.Print("\n");
    write_comment(field, out);
    out.Print(variables, "/// Null unless `$oneof$` has this alternative.\nconst $value$* $name$() const;\n");
    out.Print(variables,
              "/// Makes it the alternative of `$oneof$` unless it is already.\n$value$& mutable_$name$();\n");
  }
}

void write_accessors(const pb::FieldDescriptor* field, const std::string& struct_name, Printer& out) {
  Variables variables = variables_of(field);
  variables["struct"] = struct_name;
  const bool boxed = variables["alternative"] != variables["value"];
  out.Print(variables, "\nconst $value$* $struct$::$name$() const {\n");
  if (boxed) {
    out.Print(variables,
              "  const auto* alternative = std::get_if<$index$>(&$oneof$);\n"
              "  return alternative != nullptr && *alternative ? &**alternative : nullptr;\n}\n");
  } else {
    out.Print(variables, "  return std::get_if<$index$>(&$oneof$);\n}\n");
  }
  out.Print(variables,
            "\n$value$& $struct$::mutable_$name$() {\n"
            "  if ($oneof$.index() != $index$) $oneof$.emplace<$index$>();\n"
            "  auto& alternative = std::get<$index$>($oneof$);\n");
  if (boxed) {
    out.Print("  if (!alternative) alternative.emplace();\n  return *alternative;\n}\n");
  } else {
    out.Print("  return alternative;\n}\n");
  }
}

void write_equality(const pb::Descriptor* type, Printer& out) {
  out.Print("\nbool $struct$::operator==(const $struct$& other_) const {\n  return ", "struct", flat_name(type));
  std::set<std::string> written;
  for (int i = 0; i < type->field_count(); ++i) {
    const pb::OneofDescriptor* oneof = type->field(i)->real_containing_oneof();
    const std::string name = member_name(oneof != nullptr ? oneof->name() : type->field(i)->name());
    if (written.insert(name).second) out.Print("$name$ == other_.$name$ &&\n         ", "name", name);
  }
  out.Print("unknown_fields == other_.unknown_fields;\n}\n");
}

const char* encode_statement(Shape shape) {
  switch (shape) {
    case Shape::kPlain:
      return "codec::put_unless_default<$trait$>(out_, $number$, $name$);\n";
    case Shape::kOptional:
    case Shape::kMessage:
      return "codec::put_if_set<$trait$>(out_, $number$, $name$);\n";
    case Shape::kPacked:
      return "codec::put_packed<$trait$>(out_, $number$, $name$);\n";
    case Shape::kList:
      return "codec::put_each<$trait$>(out_, $number$, $name$);\n";
    case Shape::kMap:
      return "codec::put_map<$key_trait$, $trait$>(out_, $number$, $name$);\n";
    case Shape::kAlternative:
      return "codec::put_if_set<$trait$>(out_, $number$, $name$());\n";
  }
  return "";
}

void write_encode(const pb::Descriptor* type, Printer& out) {
  std::vector<const pb::FieldDescriptor*> fields;
  for (int i = 0; i < type->field_count(); ++i) fields.push_back(type->field(i));
  std::sort(fields.begin(), fields.end(), [](auto* a, auto* b) { return a->number() < b->number(); });
  out.Print("\nvoid $struct$::encode_to(std::string& out_) const {\n", "struct", flat_name(type));
  out.Indent();
  for (const pb::FieldDescriptor* field : fields) out.Print(variables_of(field), encode_statement(shape_of(field)));
  out.Print("out_.append(unknown_fields);\n");
  out.Outdent();
  out.Print("}\n");
}

// The cases of one field: a list of scalars is read packed and unpacked, however it is written.
std::string decode_cases(const pb::FieldDescriptor* field) {
  const bool is_message = field->message_type() != nullptr;
  switch (shape_of(field)) {
    case Shape::kPlain:
    case Shape::kOptional:
      return "case codec::$wire$($number$):\n  $name$ = in_.read<$trait$>();\n  break;\n";
    case Shape::kMessage:
      return "case codec::bytes($number$):\n  in_.merge_optional($name$);\n  break;\n";
    case Shape::kMap:
      return "case codec::bytes($number$):\n  in_.insert<$key_trait$, $trait$>($name$);\n  break;\n";
    case Shape::kAlternative:
      return is_message ? "case codec::bytes($number$):\n  in_.merge(mutable_$name$());\n  break;\n"
                        : "case codec::$wire$($number$):\n  $oneof$.emplace<$index$>(in_.read<$trait$>());\n  break;\n";
    default:
      break;
  }
  if (is_message) return "case codec::bytes($number$):\n  in_.append_message($name$);\n  break;\n";
  std::string cases = "case codec::$wire$($number$):\n  in_.append<$trait$>($name$);\n  break;\n";
  if (field->is_packable()) cases += "case codec::bytes($number$):\n  in_.append_packed<$trait$>($name$);\n  break;\n";
  return cases;
}

void write_decode(const pb::Descriptor* type, Printer& out) {
  out.Print(
      "\nvoid $struct$::merge_from(std::string_view bytes_, int depth_left_) {\n"
      "  codec::Decoder in_(bytes_, depth_left_);\n"
      "  while (in_.next()) {\n"
      "    switch (in_.key()) {\n",
      "struct", flat_name(type));
  for (int i = 0; i < 3; ++i) out.Indent();
  for (int i = 0; i < type->field_count(); ++i) {
    const std::string cases = decode_cases(type->field(i));
    out.Print(variables_of(type->field(i)), cases.c_str());
  }
  out.Print("default:\n  in_.keep(unknown_fields);\n");
  for (int i = 0; i < 3; ++i) out.Outdent();
  out.Print("    }\n  }\n}\n");
}

}  // namespace

void write_enum(const pb::EnumDescriptor* type, Printer& out) {
  out.Print("\n");
  write_comment(type, out);
  out.Print("enum class $name$ : int32_t {\n", "name", flat_name(type));
  out.Indent();
  for (int i = 0; i < type->value_count(); ++i) {
    write_comment(type->value(i), out);
    out.Print("$name$ = $number$,\n", "name", constant_name(type->value(i)), "number",
              std::to_string(type->value(i)->number()));
  }
  out.Outdent();
  out.Print(
      "};\n/// As JSON has it: \"$example$\". A number that the contract does not know is \"UNRECOGNIZED\".\n"
      "std::string_view to_string($name$ value);\n",
      "name", flat_name(type), "example", short_value_name(type->value(type->value_count() - 1)));
}

void write_enum_names(const pb::EnumDescriptor* type, Printer& out) {
  out.Print("\nstd::string_view to_string($name$ value) {\n  switch (value) {\n", "name", flat_name(type));
  std::set<int> seen;
  for (int i = 0; i < type->value_count(); ++i) {
    const pb::EnumValueDescriptor* value = type->value(i);
    if (!seen.insert(value->number()).second) continue;
    out.Print("    case $type$::$name$:\n      return $text$;\n", "type", flat_name(type), "name", constant_name(value),
              "text", quoted(short_value_name(value)));
  }
  out.Print("  }\n  return \"UNRECOGNIZED\";\n}\n");
}

void write_struct(const pb::Descriptor* type, Printer& out) {
  out.Print("\n");
  write_comment(type, out);
  out.Print("struct $name$ {\n", "name", flat_name(type));
  out.Indent();
  out.Print("static constexpr std::string_view kFullName = $name$;\n", "name", quoted(type->full_name()));
  write_kind(type, out);
  write_nested_aliases(type, out);
  out.Print("\n");
  write_members(type, out);
  write_accessor_declarations(type, out);
  out.Print(
      "\nbool operator==(const $name$& other_) const;\nvoid encode_to(std::string& out_) const;\n"
      "void merge_from(std::string_view bytes_, int depth_left_);\n",
      "name", flat_name(type));
  out.Outdent();
  out.Print("};\n");
}

void write_codec(const pb::Descriptor* type, Printer& out) {
  for (int i = 0; i < type->field_count(); ++i) {
    if (type->field(i)->real_containing_oneof() != nullptr) write_accessors(type->field(i), flat_name(type), out);
  }
  write_equality(type, out);
  write_encode(type, out);
  write_decode(type, out);
}

}  // namespace novacron::codegen
