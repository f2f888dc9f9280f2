#include "host/contract/parts.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>

#include "host/contract/json_decode.h"
#include "host/contract/json_encode.h"
#include "host/contract/json_text.h"
#include "host/contract/message.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

void append_varint(std::string& out, uint64_t number) {
  for (; number >= 0x80; number >>= 7) out += static_cast<char>((number & 0x7f) | 0x80);
  out += static_cast<char>(number);
}

std::string part_of(const Kind& kind, const pb::Message& object, std::string_view name) {
  const Field* field = kind.message->find(name);
  if (!field || !is_present(object, *field->descriptor)) return {};
  return serialize(object.GetReflection()->GetMessage(object, field->descriptor));
}

Parts parts_of(const Kind& kind, const pb::Message& object) {
  return {part_of(kind, object, "metadata"), part_of(kind, object, "spec"), part_of(kind, object, "status")};
}

void check_kind(const Kind& kind, nlohmann::json& object, Violations& violations) {
  const auto given = object.find("kind");
  if (given == object.end()) return;
  if (!given->is_string() || (*given != kind.id && *given != kind.name)) violations.add("kind", "must be " + kind.id);
  object.erase(given);
}
}  // namespace

void append_message(std::string& out, int number, std::string_view bytes) {
  append_varint(out, static_cast<uint64_t>(number) << 3 | 2);
  append_varint(out, bytes.size());
  out += bytes;
}

std::string join_parts(const Parts& parts) {
  std::string out;
  out.reserve(parts.metadata.size() + parts.spec.size() + parts.status.size() + 16);
  append_message(out, 1, parts.metadata);
  append_message(out, 2, parts.spec);
  if (!parts.status.empty()) append_message(out, 3, parts.status);
  return out;
}

Result<Parts> split_parts(const Kind& kind, std::string_view bytes) {
  return parts_of(kind, *TRY(parse_message(*kind.message, bytes, kMaxObjectDepth)));
}

Result<Parts> parts_from_json(const Kind& kind, std::string_view text) {
  nlohmann::json object = TRY(parse_json(text));
  Violations violations;
  if (object.is_object()) check_kind(kind, object, violations);
  const std::unique_ptr<pb::Message> message(kind.message->prototype->New());
  decode_message(*kind.message, object, *message, "", violations);
  TRY_STATUS(violations.status());
  return parts_of(kind, *message);
}

Result<std::string> parts_to_json(const Kind& kind, const Parts& parts, const EncodeOptions& options) {
  const auto message = TRY(parse_message(*kind.message, join_parts(parts), kMaxObjectDepth));
  JsonWriter writer(options);
  writer.begin('{');
  writer.name("kind");
  writer.text(kind.id);
  for (const auto& field : kind.message->fields) {
    if (!is_present(*message, *field.descriptor)) continue;
    writer.name(field.name);
    writer.message(*field.message, message->GetReflection()->GetMessage(*message, field.descriptor));
  }
  writer.end('}');
  return writer.take();
}

}  // namespace novacron::host::contract
