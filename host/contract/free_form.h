// What is within a Struct, a Value, a ListValue and an Any, where descriptors say nothing about it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/contract/types.h"
#include "host/contract/violations.h"

namespace novacron::host::contract {

/// The values of a google.protobuf.Value, by their field numbers.
enum class JsonKind { kNone = 0, kNull = 1, kNumber = 2, kText = 3, kFlag = 4, kObject = 5, kList = 6 };
JsonKind kind_of(const google::protobuf::Message& value);
const google::protobuf::FieldDescriptor& slot_of(const google::protobuf::Message& value, JsonKind kind);

/// The members of a Struct, in the order of their names; of one name the last counts.
std::map<std::string, const google::protobuf::Message*> members_of(const google::protobuf::Message& structure);
/// The items of a ListValue.
std::vector<const google::protobuf::Message*> items_of(const google::protobuf::Message& list);

/// A message that one of these types holds, with its path.
using VisitInside =
    std::function<void(const MessageType& type, const google::protobuf::Message& message, const std::string& path)>;
/// Adds a violation for what JSON could not write: numbers that are none, and in an Any a type that is not installed or
/// has secrets. `inside` gets what an Any holds.
void check_free_form(const MessageType& type, const google::protobuf::Message& message, const std::string& path,
                     Violations& violations, const VisitInside& inside);

/// How deep the JSON of a message is: 1 for one of plain values.
size_t json_levels(const MessageType& type, const google::protobuf::Message& message);

}  // namespace novacron::host::contract
