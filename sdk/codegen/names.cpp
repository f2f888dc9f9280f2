#include "sdk/codegen/names.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/stubs/strutil.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace novacron::codegen {
namespace {

namespace pb = google::protobuf;

bool is_upper(char c) {
  return std::isupper(static_cast<unsigned char>(c)) != 0;
}
bool is_lower(char c) {
  return std::islower(static_cast<unsigned char>(c)) != 0;
}
bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}
char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}
char upper(char c) {
  return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
}

const std::set<std::string_view>& taken_names() {
  static const std::set<std::string_view> names{
      "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
      "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return", "co_yield", "compl", "concept", "const",
      "const_cast", "consteval", "constexpr", "constinit", "continue", "decltype", "default", "delete", "do", "double",
      "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
      "inline", "int", "linux", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr",
      "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "return",
      "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this",
      "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "union", "unix", "unsigned", "using",
      "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
      // of generated code
      "unknown_fields", "encode_to", "merge_from", "dispatch"};
  return names;
}

constexpr std::string_view kWellKnownPackage = "google.protobuf";

std::string upper_snake(std::string_view camel) {
  std::string name = snake_case(camel);
  std::transform(name.begin(), name.end(), name.begin(), upper);
  return name;
}

// The value's name without the enum's; empty: it does not start with it.
std::string_view unprefixed(const pb::EnumValueDescriptor* value) {
  const std::string prefix = upper_snake(value->type()->name()) + "_";
  std::string_view name = value->name();
  if (name.size() <= prefix.size() || name.substr(0, prefix.size()) != prefix) return {};
  return name.substr(prefix.size());
}

std::string_view without_prefix(const pb::EnumValueDescriptor* value) {
  const std::string_view name = unprefixed(value);
  return name.empty() ? std::string_view(value->name()) : name;
}

bool prefixes_are_needed(const pb::EnumDescriptor* type) {
  std::set<std::string> names;
  for (int i = 0; i < type->value_count(); ++i) {
    if (!names.insert(pascal_case(without_prefix(type->value(i)))).second) return true;
  }
  return false;
}

std::string nested_name(std::string name, const pb::Descriptor* outer) {
  for (; outer != nullptr; outer = outer->containing_type()) name = outer->name() + "_" + name;
  return name;
}

bool is_version(std::string_view part) {
  return part.size() >= 2 && part[0] == 'v' && is_digit(part[1]);
}

}  // namespace

std::string snake_case(std::string_view camel) {
  std::string out;
  for (size_t i = 0; i < camel.size(); ++i) {
    const bool after_word = i > 0 && (is_lower(camel[i - 1]) || is_digit(camel[i - 1]));
    const bool before_word = i > 0 && is_upper(camel[i - 1]) && i + 2 < camel.size() && is_lower(camel[i + 1]);
    if (is_upper(camel[i]) && (after_word || before_word)) out.push_back('_');
    out.push_back(lower(camel[i]));
  }
  return out;
}

std::string pascal_case(std::string_view upper_name) {
  std::string out;
  bool starts_word = true;
  for (const char c : upper_name) {
    if (c == '_') {
      starts_word = true;
      continue;
    }
    out.push_back(starts_word ? upper(c) : lower(c));
    starts_word = false;
  }
  return out;
}

std::string member_name(std::string_view name) {
  return std::string(name) + (taken_names().count(name) != 0 ? "_" : "");
}

std::string method_name(const pb::MethodDescriptor* method) {
  return member_name(snake_case(method->name()));
}

std::string stem_of(const pb::FileDescriptor* file) {
  return pb::StripSuffixString(file->name(), ".proto");
}
std::string header_path(const pb::FileDescriptor* file) {
  return stem_of(file) + ".nc.h";
}

std::string namespace_of(const pb::FileDescriptor* file) {
  if (file->package() == kWellKnownPackage) return "novacron";
  std::string out;
  for (const std::string& part : pb::Split(file->package(), ".")) {
    out += (out.empty() ? "" : "::") + member_name(part);
  }
  return out;
}

std::string flat_name(const pb::Descriptor* type) {
  return nested_name(type->name(), type->containing_type());
}
std::string flat_name(const pb::EnumDescriptor* type) {
  return nested_name(type->name(), type->containing_type());
}

std::string type_name(const pb::Descriptor* type) {
  if (is_well_known(type)) return "::novacron::" + type->name();
  return "::" + namespace_of(type->file()) + "::" + flat_name(type);
}

std::string type_name(const pb::EnumDescriptor* type) {
  return "::" + namespace_of(type->file()) + "::" + flat_name(type);
}

std::string constant_name(const pb::EnumValueDescriptor* value) {
  return "k" + pascal_case(short_value_name(value));
}

std::string short_value_name(const pb::EnumValueDescriptor* value) {
  return prefixes_are_needed(value->type()) ? value->name() : std::string(without_prefix(value));
}

bool is_well_known(const pb::Descriptor* type) {
  static const std::set<std::string_view> names{"google.protobuf.Timestamp", "google.protobuf.Duration",
                                                "google.protobuf.Empty", "google.protobuf.FieldMask"};
  return names.count(type->full_name()) != 0;
}

bool is_supported(const pb::Descriptor* type) {
  static const std::set<std::string_view> files{"google/protobuf/any.proto", "google/protobuf/struct.proto",
                                                "google/protobuf/wrappers.proto"};
  return type->file()->package() != kWellKnownPackage || is_well_known(type) || files.count(type->file()->name()) != 0;
}

const pb::FieldDescriptor* value_field(const pb::FieldDescriptor* field) {
  return field->is_map() ? field->message_type()->map_value() : field;
}

std::string group_of(const pb::FileDescriptor* file) {
  const std::string& package = file->package();
  const size_t dot = package.rfind('.');
  if (dot == std::string::npos || !is_version(std::string_view(package).substr(dot + 1))) return package;
  return package.substr(0, dot);
}

std::string quoted(std::string_view text) {
  return "\"" + pb::CEscape(std::string(text)) + "\"";
}

}  // namespace novacron::codegen
