#include "host/resource/filter.h"

#include <host/resource/record.pb.h>

#include "host/contract/message.h"
#include "host/contract/parts.h"
#include "host/resource/metadata.h"

namespace novacron::host::resource {

Result<Filter> Filter::parse(std::shared_ptr<const contract::Schema> schema, const contract::Kind& kind,
                             std::string_view label_selector, std::string_view field_selector, uint64_t now_ns) {
  Filter filter;
  filter.schema_ = std::move(schema);
  filter.kind_ = &kind;
  filter.labels_ = TRY(Selector::parse(label_selector));
  if (field_selector.empty()) return filter;
  const auto invalid = [](const std::string& why) {
    return Error{Code::kInvalidArgument, "field selector: " + why, "selector.invalid"};
  };
  auto fields = contract::Condition::compile(*kind.message, field_selector, now_ns);
  if (!fields.ok()) return invalid(fields.error().message);
  if ((*fields)->reads_secrets()) return invalid("a secret cannot be asked for");
  filter.fields_ = *std::move(fields);
  return filter;
}

Result<bool> Filter::matches(const StoredObject& object) const {
  if (!labels_.empty() && !labels_.matches(labels_of(object.metadata()))) return false;
  if (!fields_) return true;
  return fields_->holds(*TRY(message_of(*kind_, object)));
}

Result<std::shared_ptr<google::protobuf::Message>> message_of(const contract::Kind& kind, const StoredObject& object) {
  core::v1::Metadata metadata = object.metadata();
  metadata.set_revision(object.revision());
  return contract::parse_message(*kind.message,
                                 contract::join_parts({message_bytes(metadata), object.record->spec(), object.status}),
                                 contract::kMaxObjectDepth);
}

}  // namespace novacron::host::resource
