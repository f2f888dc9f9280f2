// The contracts of a package as protobuf has them. For the files of this folder that reflect on messages.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sdk/validate/package.h"

namespace google::protobuf {
class DescriptorPool;
class DynamicMessageFactory;
class FileDescriptor;
}  // namespace google::protobuf

namespace novacron::validate {

struct Contracts {
  Contracts();
  ~Contracts();
  Contracts(const Contracts&) = delete;
  Contracts& operator=(const Contracts&) = delete;
  void add(const google::protobuf::FileDescriptor& file);

  const std::unique_ptr<google::protobuf::DescriptorPool> pool;
  const std::unique_ptr<google::protobuf::DynamicMessageFactory> factory;
  std::map<std::string, std::vector<MethodShape>> services;
};

}  // namespace novacron::validate
