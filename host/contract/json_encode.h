// Writes messages as JSON text, without a tree in between.
#pragma once

#include <string>
#include <string_view>

#include "host/contract/json.h"

namespace novacron::host::contract {

class JsonWriter {
 public:
  explicit JsonWriter(const EncodeOptions& options) : options_(options) {}

  void begin(char bracket);
  void end(char bracket);
  /// Before each item of a list.
  void item();
  /// Before each value of an object.
  void name(std::string_view name);
  void text(std::string_view text);
  void message(const MessageType& type, const google::protobuf::Message& message);
  std::string take() { return std::move(out_); }

 private:
  void line();
  void append(std::string_view json) { out_ += json; }
  void field(const Field& field, const google::protobuf::Message& message);
  void map(const Field& field, const google::protobuf::Message& message);
  void members(const MessageType& type, const google::protobuf::Message& message);
  void message_value(const MessageType& type, const google::protobuf::Message& message);
  void any(const MessageType& type, const google::protobuf::Message& message);
  void structure(const google::protobuf::Message& message);
  void list_value(const google::protobuf::Message& message);
  void json_value(const google::protobuf::Message& message);
  void value(const Field& field, const google::protobuf::FieldDescriptor& slot, const google::protobuf::Message& owner,
             int index);
  void scalar(const Field& field, const google::protobuf::FieldDescriptor& slot, const google::protobuf::Message& owner,
              int index);
  void enum_value(const EnumType& type, int32_t number);

  EncodeOptions options_;
  std::string out_;
  size_t depth_ = 0;
  bool empty_ = true;
};

}  // namespace novacron::host::contract
