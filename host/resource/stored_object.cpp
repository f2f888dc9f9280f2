#include "host/resource/stored_object.h"

#include <host/resource/record.pb.h>

#include "host/contract/message.h"
#include "host/contract/parts.h"
#include "host/resource/keys.h"

namespace novacron::host::resource {

const core::v1::Metadata& StoredObject::metadata() const {
  return record->metadata();
}

std::string message_bytes(const google::protobuf::Message& message) {
  return contract::serialize(message);
}

Result<StoredObject> stored_object(const state::Entry& spec, const state::Entry* status) {
  StoredObject object;
  object.ref = TRY(parse_object_key(spec.key)).ref;
  auto record = std::make_shared<StoredSpec>();
  if (!record->ParseFromString(spec.value)) {
    return Error{Code::kDataLoss, describe(object.ref) + " cannot be read", "resource.corrupt"};
  }
  object.ref.uid = record->metadata().uid();
  object.record = std::move(record);
  object.spec_revision = spec.mod_revision;
  object.create_revision = spec.create_revision;
  if (status) {
    object.status = status->value;
    object.status_revision = status->mod_revision;
  }
  return object;
}

ObjectView view_of(std::shared_ptr<const contract::Schema> schema, const StoredObject& object) {
  ObjectView view;
  view.kind = schema->find_kind(object.ref.kind);
  view.schema = std::move(schema);
  view.ref = object.ref;
  core::v1::Metadata metadata = object.metadata();
  metadata.set_revision(object.revision());
  view.metadata = message_bytes(metadata);
  view.spec = object.record->spec();
  view.status = object.status;
  view.generation = metadata.generation();
  view.revision = object.revision();
  view.spec_revision = object.spec_revision;
  view.status_revision = object.status_revision;
  view.deleting = metadata.has_deleted_at();
  return view;
}

Error conflict(std::string message) {
  return {Code::kAborted, std::move(message), "resource.conflict"};
}

Error not_found(const ObjectRef& ref) {
  return {Code::kNotFound, "there is no " + describe(ref), "resource.not-found"};
}

std::string describe(const ObjectRef& ref) {
  std::string text = ref.kind + " \"" + ref.name + "\"";
  if (!ref.tenant.empty()) text += " of tenant " + ref.tenant;
  return text;
}

Status check_if_match(const std::string& if_match, const StoredObject& object) {
  if (if_match.empty() || if_match == "*") return {};
  const std::string by_revision = object.ref.uid + "-" + std::to_string(object.revision());
  const std::string by_generation = object.ref.uid + "-g" + std::to_string(object.metadata().generation());
  if (if_match == by_revision || if_match == by_generation) return {};
  return conflict(describe(object.ref) + " has changed: it is " + by_revision + " (" + by_generation + ") now, not " +
                  if_match);
}

void speak(ObjectView& object, const std::string& version) {
  const auto* spoken = version.empty() || !object.kind ? nullptr : object.kind->find_version(version);
  if (spoken) object.kind = spoken;
}

Result<std::string> to_json(const ObjectView& object, const contract::EncodeOptions& options) {
  return contract::parts_to_json(*object.kind, {object.metadata, object.spec, object.status}, options);
}

std::string to_message(const ObjectView& object) {
  return contract::join_parts({object.metadata, object.spec, object.status});
}

std::string etag(const ObjectView& object) {
  return object.ref.uid + "-" + std::to_string(object.revision);
}

}  // namespace novacron::host::resource
