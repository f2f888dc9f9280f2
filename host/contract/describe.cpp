#include "host/contract/describe.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <novacron/options.pb.h>
#include <re2/re2.h>

#include <algorithm>

#include "host/contract/condition.h"
#include "host/contract/time_text.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

/// "Mood": "MOOD_".
std::string enum_prefix(const std::string& name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool upper = name[i] >= 'A' && name[i] <= 'Z';
    const bool after_lower = i > 0 && !(name[i - 1] >= 'A' && name[i - 1] <= 'Z') && name[i - 1] != '_';
    if (upper && after_lower) out += '_';
    out += name[i] >= 'a' && name[i] <= 'z' ? static_cast<char>(name[i] - 'a' + 'A') : name[i];
  }
  return out + "_";
}

std::string without_prefix(const std::string& value, const std::string& prefix) {
  const bool strip = value.starts_with(prefix) && value.size() > prefix.size() &&
                     !(value[prefix.size()] >= '0' && value[prefix.size()] <= '9');
  return strip ? value.substr(prefix.size()) : value;
}

/// How JSON writes a message.
FieldType json_of(const std::string& full_name) {
  static const std::map<std::string_view, FieldType> kSpecial = {
      {"Timestamp", FieldType::kTimestamp},
      {"Duration", FieldType::kDuration},
      {"FieldMask", FieldType::kFieldMask},
      {"Struct", FieldType::kStruct},
      {"Value", FieldType::kValue},
      {"ListValue", FieldType::kListValue},
      {"Any", FieldType::kAny},
      {"DoubleValue", FieldType::kWrapper},
      {"FloatValue", FieldType::kWrapper},
      {"Int64Value", FieldType::kWrapper},
      {"UInt64Value", FieldType::kWrapper},
      {"Int32Value", FieldType::kWrapper},
      {"UInt32Value", FieldType::kWrapper},
      {"BoolValue", FieldType::kWrapper},
      {"StringValue", FieldType::kWrapper},
      {"BytesValue", FieldType::kWrapper},
  };
  constexpr std::string_view kPackage = "google.protobuf.";
  if (!full_name.starts_with(kPackage)) return FieldType::kMessage;
  const auto found = kSpecial.find(std::string_view(full_name).substr(kPackage.size()));
  return found == kSpecial.end() ? FieldType::kMessage : found->second;
}

FieldType enum_type(const pb::EnumDescriptor& type) {
  return type.full_name() == "google.protobuf.NullValue" ? FieldType::kNull : FieldType::kEnum;
}

FieldType type_of(const pb::FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return FieldType::kBool;
    case pb::FieldDescriptor::CPPTYPE_INT32:
      return FieldType::kInt32;
    case pb::FieldDescriptor::CPPTYPE_UINT32:
      return FieldType::kUint32;
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return FieldType::kInt64;
    case pb::FieldDescriptor::CPPTYPE_UINT64:
      return FieldType::kUint64;
    case pb::FieldDescriptor::CPPTYPE_FLOAT:
      return FieldType::kFloat;
    case pb::FieldDescriptor::CPPTYPE_DOUBLE:
      return FieldType::kDouble;
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return enum_type(*field.enum_type());
    case pb::FieldDescriptor::CPPTYPE_STRING:
      return field.type() == pb::FieldDescriptor::TYPE_BYTES ? FieldType::kBytes : FieldType::kString;
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return json_of(field.message_type()->full_name());
}

Unit unit_of(const pb::FieldOptions& options) {
  switch (options.GetExtension(::novacron::unit)) {
    case UNIT_BYTES:
      return Unit::kBytes;
    case UNIT_DURATION:
      return Unit::kDuration;
    case UNIT_CPU:
      return Unit::kCpu;
    default:
      return Unit::kNone;
  }
}

Rules rules_of(const FieldRules& options) {
  Rules rules;
  rules.required = options.required();
  rules.immutable = options.immutable();
  if (options.range().has_min()) rules.min = options.range().min();
  if (options.range().has_max()) rules.max = options.range().max();
  rules.min_length = options.min_length();
  rules.max_length = options.max_length();
  rules.pattern = options.pattern();
  rules.default_json = options.default_json();
  if (rules.pattern.empty()) return rules;
  re2::RE2::Options quiet(re2::RE2::Quiet);
  quiet.set_max_mem(1 << 20);
  rules.matcher = std::make_shared<const re2::RE2>(rules.pattern, quiet);
  return rules;
}

CliHints cli_of(const CliOptions& options) {
  return {options.flag(), options.short_(), options.positional(), options.column(),
          options.wide(), options.hidden(), options.summary()};
}

std::optional<Reference> reference_of(const pb::FieldOptions& options) {
  if (!options.HasExtension(::novacron::ref)) return std::nullopt;
  const auto& ref = options.GetExtension(::novacron::ref);
  Reference out{ref.kind(), ref.scope() == RefOptions::SHARED ? Scope::kHost : Scope::kTenant, OnDelete::kRestrict};
  if (ref.on_delete() == RefOptions::ORPHAN) out.on_delete = OnDelete::kOrphan;
  if (ref.on_delete() == RefOptions::CASCADE) out.on_delete = OnDelete::kCascade;
  return out;
}
}  // namespace

const EnumType* Description::enumeration(const pb::EnumDescriptor& descriptor) {
  auto& slot = enums[descriptor.full_name()];
  if (slot) return slot.get();
  slot = std::make_unique<EnumType>();
  slot->full_name = descriptor.full_name();
  const std::string prefix = enum_prefix(descriptor.name());
  for (int i = 0; i < descriptor.value_count(); ++i) {
    const auto& value = *descriptor.value(i);
    slot->values.push_back({without_prefix(value.name(), prefix), value.name(), value.number()});
  }
  return slot.get();
}

const MessageType* Description::message(const pb::Descriptor& descriptor) {
  auto& slot = messages[descriptor.full_name()];
  if (slot) return slot.get();
  slot = std::make_unique<MessageType>();
  auto* type = slot.get();  // before the fields: a message may contain itself
  type->full_name = descriptor.full_name();
  type->descriptor = &descriptor;
  type->prototype = factory_.GetPrototype(&descriptor);
  type->json = json_of(type->full_name);
  type->types = this;
  for (int i = 0; i < descriptor.field_count(); ++i) type->fields.push_back(field(*descriptor.field(i)));
  return type;
}

void Description::set_type(const pb::FieldDescriptor& value, Field& field) {
  field.type = type_of(value);
  if (field.type == FieldType::kEnum) field.enumeration = enumeration(*value.enum_type());
  if (value.message_type() == nullptr) return;
  (field.type == FieldType::kMessage ? field.message : field.special) = message(*value.message_type());
}

Field Description::field(const pb::FieldDescriptor& descriptor) {
  Field field;
  field.name = descriptor.name();
  field.number = descriptor.number();
  field.descriptor = &descriptor;
  field.has_presence = descriptor.has_presence();
  if (descriptor.is_map()) {
    field.cardinality = Cardinality::kMap;
    field.map_key = type_of(*descriptor.message_type()->map_key());
    set_type(*descriptor.message_type()->map_value(), field);
  } else {
    if (descriptor.is_repeated()) field.cardinality = Cardinality::kRepeated;
    set_type(descriptor, field);
  }
  if (const auto* oneof = descriptor.real_containing_oneof()) field.oneof = oneof->name();
  const auto& options = descriptor.options();
  field.unit = unit_of(options);
  field.rules = rules_of(options.GetExtension(::novacron::rules));
  field.cli = cli_of(options.GetExtension(::novacron::cli));
  field.ref = reference_of(options);
  field.secret = options.GetExtension(::novacron::secret);
  field.blob = options.GetExtension(::novacron::blob);
  field.renamed_from = options.GetExtension(::novacron::renamed_from);
  const auto& list = options.GetExtension(::novacron::list);
  if (list.type() == ListOptions::MAP) field.list_keys.assign(list.keys().begin(), list.keys().end());
  return field;
}

const MessageType* Description::find_type(std::string_view full_name) const {
  const auto found = messages.find(full_name);
  return found == messages.end() ? nullptr : found->second.get();
}

/// Until nothing changes: messages may contain each other.
void Description::mark_secrets() {
  const auto has_secrets = [](const Field& field) {
    return field.secret || (field.message != nullptr && field.message->has_secrets);
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [name, type] : messages) {
      if (type->has_secrets || !std::any_of(type->fields.begin(), type->fields.end(), has_secrets)) continue;
      type->has_secrets = changed = true;
    }
  }
}

void Description::add_file(const pb::FileDescriptor& file, bool installed) {
  for (int i = 0; i < file.message_type_count(); ++i) add_message_tree(*file.message_type(i), installed);
  for (int i = 0; i < file.service_count(); ++i) add_service(*file.service(i), installed);
}

void Description::add_message_tree(const pb::Descriptor& descriptor, bool installed) {
  if (descriptor.options().map_entry()) return;
  message(descriptor);
  if (installed && descriptor.options().HasExtension(::novacron::kind)) add_kind(descriptor);
  for (int i = 0; i < descriptor.nested_type_count(); ++i) add_message_tree(*descriptor.nested_type(i), installed);
}

Method Description::method(const pb::MethodDescriptor& descriptor) {
  const auto& call = descriptor.options().GetExtension(::novacron::call);
  Method method;
  method.name = descriptor.name();
  method.request = message(*descriptor.input_type());
  method.reply = message(*descriptor.output_type());
  method.timeout_ms = call.timeout_ms();
  if (call.fast()) method.flags |= NC_METHOD_FAST;
  if (call.concurrent()) method.flags |= NC_METHOD_CONCURRENT;
  if (call.idempotent()) method.flags |= NC_METHOD_IDEMPOTENT;
  if (call.local()) method.flags |= NC_METHOD_LOCAL;
  if (descriptor.client_streaming()) method.flags |= NC_METHOD_CLIENT_STREAM;
  if (descriptor.server_streaming()) method.flags |= NC_METHOD_SERVER_STREAM;
  return method;
}

Deprecation Description::deprecation(const ::novacron::Deprecation& declared, const std::string& path) {
  const auto day = [&](const std::string& text, const char* field) -> int64_t {
    const auto midnight = parse_timestamp(text + "T00:00:00Z");
    if (!midnight) violations_.add(path, std::string("deprecated.") + field + " must be a day such as \"2026-11-30\"");
    return midnight ? midnight->seconds : 0;
  };
  Deprecation result{day(declared.since(), "since"), 0, declared.instead()};
  if (!declared.sunset().empty()) result.sunset_s = day(declared.sunset(), "sunset");
  return result;
}

void Description::add_service(const pb::ServiceDescriptor& descriptor, bool installed) {
  Service service;
  service.full_name = descriptor.full_name();
  for (int i = 0; i < descriptor.method_count(); ++i) {
    const auto& declared = *descriptor.method(i);
    service.methods.push_back(method(declared));
    if (!installed || !declared.options().HasExtension(::novacron::action)) continue;
    const auto& options = declared.options().GetExtension(::novacron::action);
    Action action;
    action.verb = options.verb();
    action.summary = options.summary();
    action.stream = static_cast<ActionStream>(options.stream());
    action.read_only = options.read_only();
    if (options.has_deprecated()) action.deprecated = deprecation(options.deprecated(), declared.full_name());
    action.service = descriptor.full_name();
    action.method = service.methods.back();
    actions_.push_back(
        {join_path(descriptor.file()->package(), options.kind()), declared.full_name(), std::move(action)});
  }
  services.emplace(service.full_name, std::move(service));
}

}  // namespace novacron::host::contract
