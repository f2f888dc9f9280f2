// The messages of google.protobuf that JSON writes in their own way, as protobuf's JSON mapping says.
//
// Timestamp, Duration, FieldMask: a text. Struct, Value, ListValue: JSON as it stands. StringValue and so on: the
// value. Any: the members of the message that it holds, and its type as "@type"; a message of this list is under
// "value". Only types of the schema fit into an Any, and none with secrets, which nobody would find there to mask them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "host/contract/types.h"
#include "host/contract/violations.h"

namespace novacron::host::contract {

/// `depth` as for decode_message().
void decode_well_known(const MessageType& type, const nlohmann::json& value, google::protobuf::Message& message,
                       const std::string& path, Violations& violations, int depth);

/// What an Any holds, by its "type.googleapis.com/shop.v1.Tool"; null: no such type is installed.
const MessageType* type_in_any(const MessageType& any, std::string_view type_url);

}  // namespace novacron::host::contract
