// What a contract must keep to before it may be installed, each rule with the words that say what to do instead.
#pragma once

#include "host/contract/describe.h"
#include "host/contract/violations.h"

namespace google::protobuf {
class FileDescriptor;
}

namespace novacron::host::contract {

/// The rules of a file of an installed package: syntax, fields, kinds, actions.
void lint_file(const google::protobuf::FileDescriptor& file, const Description& description, Violations& violations);

/// The rules of a package as a whole. `versions` are those that its files give.
void lint_package(const std::string& package, const std::vector<std::string>& versions, Violations& violations);

/// The rules of the fields of one message.
void lint_fields(const MessageType& type, Violations& violations);

/// "web-1": RFC 1123, at most 63 characters.
bool is_label(std::string_view text);

}  // namespace novacron::host::contract
