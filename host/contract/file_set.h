// The .proto files of all installed contracts, one of each name: the newest, checked against the others.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/contract/schema.h"

namespace google::protobuf {
class FileDescriptorProto;
class FileDescriptorSet;
}  // namespace google::protobuf

namespace novacron::host::contract {

/// Whether a package is defined by this host, whatever a descriptor set says.
bool is_host_package(std::string_view package);

class FileSet {
 public:
  /// INVALID_ARGUMENT "contract.invalid", FAILED_PRECONDITION "contract.incompatible".
  static Result<FileSet> merge(const std::vector<ContractSource>& contracts);
  ~FileSet();
  FileSet(FileSet&&) noexcept;
  FileSet& operator=(FileSet&&) noexcept;

  /// Each after those that it imports.
  const std::vector<const google::protobuf::FileDescriptorProto*>& files() const { return ordered_; }
  /// Those installed, the host's first, each once.
  const std::vector<std::string>& packages() const { return packages_; }

 private:
  class Merge;
  FileSet();
  std::map<std::string, std::unique_ptr<google::protobuf::FileDescriptorProto>> by_name_;
  std::vector<const google::protobuf::FileDescriptorProto*> ordered_;
  std::vector<std::string> packages_;
};

/// INVALID_ARGUMENT "contract.invalid": too large, or no descriptor set.
Status parse_descriptor_set(std::string_view bytes, google::protobuf::FileDescriptorSet& out);

}  // namespace novacron::host::contract
