// The effective schema: what all installed contracts together define. An immutable snapshot; the host swaps it when a
// contract comes or goes, the CLI builds the same from the bytes that the host serves.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/contract/types.h"

namespace novacron::host::contract {

inline constexpr size_t kMaxDescriptorSetBytes = 4 * 1024 * 1024;
inline constexpr size_t kMaxViolations = 20;

/// An installed contract: `package` of `descriptor_set`, whose other files are only what it imports.
struct ContractSource {
  std::string package;         ///< "shop.v1"
  std::string descriptor_set;  ///< an encoded google.protobuf.FileDescriptorSet
};

struct ContractInfo {
  std::string package;
  std::string version;  ///< "1.2.0"
  std::string summary;
};

/// The contracts that a descriptor set defines: each package of it with a (novacron.contract), except those that are
/// part of the host. INVALID_ARGUMENT "contract.invalid": not a descriptor set, or larger than kMaxDescriptorSetBytes.
Result<std::vector<ContractInfo>> contracts_of(std::string_view descriptor_set);

/// "shop.v1": the name of the Contract object of a package.
std::string contract_object_name(std::string_view package);

/// [any] thread. Pointers and references that it hands out live as long as it does.
class Schema : public std::enable_shared_from_this<Schema> {
 public:
  /// The host's own contract (novacron.core.v1), which is always there, and the given ones in the order of their
  /// installation. Several versions of a package may be given: the highest is effective, and it must hold all that the
  /// others define. INVALID_ARGUMENT "contract.invalid" lists what is wrong in `fields`, by the full name of the thing;
  /// FAILED_PRECONDITION "contract.incompatible" names what two versions disagree on.
  static Result<std::shared_ptr<const Schema>> create(const std::vector<ContractSource>& contracts);
  /// What serialize() of another Schema gave.
  static Result<std::shared_ptr<const Schema>> parse(std::string_view serialized);
  ~Schema();
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  /// A FileDescriptorSet of all files in the order of their imports; equal schemas give equal bytes.
  const std::string& serialize() const;
  /// "sha256:<64 hex>" of serialize().
  const std::string& digest() const;

  const std::vector<ContractInfo>& contracts() const;
  /// Those of the host first, then in the order of installation and of the .proto.
  const std::vector<Kind>& kinds() const;
  /// By "group/Kind"; null: unknown.
  const Kind* find_kind(std::string_view id) const;
  /// By "group/Kind", "Kind", plural, "plural.group" or short name; null: unknown.
  const Kind* find_noun(std::string_view noun) const;
  /// By the segment of a REST path.
  const Kind* find_segment(std::string_view segment) const;
  const Service* find_service(std::string_view full_name) const;
  const MessageType* find_message(std::string_view full_name) const;

 private:
  class Builder;
  struct Parts;
  explicit Schema(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// The schema with no contract but the host's own.
const std::shared_ptr<const Schema>& core_schema();

}  // namespace novacron::host::contract
