// Which objects of a list somebody wants: by their labels and by their fields.
#pragma once

#include <memory>
#include <string>

#include "host/contract/condition.h"
#include "host/resource/selector.h"
#include "host/resource/stored_object.h"

namespace novacron::host::resource {

class Filter {
 public:
  /// INVALID_ARGUMENT "selector.invalid"; a field selector must not read secrets. `now_ns` is what "now" means in it.
  static Result<Filter> parse(std::shared_ptr<const contract::Schema> schema, const contract::Kind& kind,
                              std::string_view label_selector, std::string_view field_selector, uint64_t now_ns);
  /// DATA_LOSS "message.corrupt".
  Result<bool> matches(const StoredObject& object) const;
  bool reads_fields() const { return fields_ != nullptr; }

 private:
  std::shared_ptr<const contract::Schema>
      schema_;  ///< owns `kind_`, and the types that the fields are compiled against
  const contract::Kind* kind_ = nullptr;
  Selector labels_;
  std::shared_ptr<const contract::Condition> fields_;
};

/// The whole object, as its kind's own message, with its revision.
Result<std::shared_ptr<google::protobuf::Message>> message_of(const contract::Kind& kind, const StoredObject& object);

}  // namespace novacron::host::resource
