// From descriptors and their options to the plain data of types.h.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/contract/types.h"
#include "host/contract/violations.h"

namespace novacron {
class Deprecation;
}

namespace google::protobuf {
class DynamicMessageFactory;
class EnumDescriptor;
class FileDescriptor;
class ServiceDescriptor;
class MethodDescriptor;
}  // namespace google::protobuf

namespace novacron::host::contract {

/// Holds what it has described, with pointers into itself.
class Description final : public TypeFinder {
 public:
  Description(google::protobuf::DynamicMessageFactory& factory, Violations& violations)
      : factory_(factory), violations_(violations) {}
  Description(const Description&) = delete;
  Description& operator=(const Description&) = delete;

  const MessageType* find_type(std::string_view full_name) const override;

  /// Every message and service of the file, and every kind when its package is installed. Options that make no sense
  /// become violations.
  void add_file(const google::protobuf::FileDescriptor& file, bool installed);
  /// After the last file: actions find their kinds, names their owners.
  void finish();

  std::map<std::string, std::unique_ptr<MessageType>, std::less<>> messages;
  std::map<std::string, std::unique_ptr<EnumType>, std::less<>> enums;
  std::map<std::string, Service, std::less<>> services;
  std::vector<Kind> kinds;

 private:
  const MessageType* message(const google::protobuf::Descriptor& descriptor);
  const EnumType* enumeration(const google::protobuf::EnumDescriptor& descriptor);
  Field field(const google::protobuf::FieldDescriptor& descriptor);
  void set_type(const google::protobuf::FieldDescriptor& value, Field& field);
  void add_message_tree(const google::protobuf::Descriptor& descriptor, bool installed);
  void add_kind(const google::protobuf::Descriptor& descriptor);
  void add_verbs(const google::protobuf::Descriptor& descriptor, Kind& kind);
  void add_service(const google::protobuf::ServiceDescriptor& descriptor, bool installed);
  Method method(const google::protobuf::MethodDescriptor& descriptor);
  Deprecation deprecation(const ::novacron::Deprecation& declared, const std::string& path);
  std::shared_ptr<const Condition> condition(const Kind& kind, const std::string& text, const std::string& option);
  void share_out_names();
  void mark_secrets();
  void join_versions();

  struct PendingAction {
    std::string kind_id;
    std::string path;
    Action action;
  };
  google::protobuf::DynamicMessageFactory& factory_;
  Violations& violations_;
  std::vector<PendingAction> actions_;
};

}  // namespace novacron::host::contract
