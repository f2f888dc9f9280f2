// The parts of JSON decoding that others use: one field at a time.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "host/contract/types.h"
#include "host/contract/violations.h"

namespace novacron::host::contract {

/// Reads the members of `object` into `message`. `depth`: how many messages `message` is within; more than
/// kMaxMessageDepth are a violation.
void decode_message(const MessageType& type, const nlohmann::json& object, google::protobuf::Message& message,
                    std::string_view path, Violations& violations, int depth = 0);
/// Reads one field's value, which replaces what is there. Null: nothing happens, unless null is a value of the field.
void decode_field(const Field& field, const nlohmann::json& value, google::protobuf::Message& message,
                  const std::string& path, Violations& violations, int depth = 0);
/// Reads a message as JSON writes it, whatever its type.
void decode_value(const MessageType& type, const nlohmann::json& value, google::protobuf::Message& message,
                  const std::string& path, Violations& violations, int depth);

/// Whether the default of a field fits it.
Status check_default(const MessageType& type, const Field& field);

}  // namespace novacron::host::contract
