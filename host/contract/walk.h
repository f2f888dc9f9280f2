// A walk over all that is set in a message, with paths as JSON has them.
#pragma once

#include <functional>
#include <string>

#include "host/contract/types.h"

namespace novacron::host::contract {

/// `visit` gets every field of `message` and of the messages in it, set or not, outer ones first.
using VisitField = std::function<void(const google::protobuf::Message& message, const MessageType& type,
                                      const Field& field, const std::string& path)>;
void walk(const MessageType& type, const google::protobuf::Message& message, const std::string& path,
          const VisitField& visit);

/// `visit` gets each message within one field, with its path: one, each of a list, each value of a map. None for those
/// of google.protobuf that JSON writes in their own way.
using VisitMessage = std::function<void(const google::protobuf::Message& message, const std::string& path)>;
void each_message(const Field& field, const google::protobuf::Message& owner, const std::string& path,
                  const VisitMessage& visit);
/// The same, for those too.
void each_message_value(const Field& field, const google::protobuf::Message& owner, const std::string& path,
                        const VisitMessage& visit);
using ChangeMessage = std::function<void(google::protobuf::Message& message, const std::string& path)>;
void each_mutable_message(const Field& field, google::protobuf::Message& owner, const std::string& path,
                          const ChangeMessage& change);

/// "name=root": what an item of a map list is found by. Empty: a key is missing.
std::string item_key(const Field& field, const google::protobuf::Message& item);

/// The item of `field` in `previous` that has the key of `item`, or the value of a map under `key`; null: none.
const google::protobuf::Message* counterpart(const Field& field, const google::protobuf::Message& previous,
                                             const google::protobuf::Message& item, const std::string& path,
                                             const std::string& item_path);

}  // namespace novacron::host::contract
