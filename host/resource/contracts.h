// The installed contracts: Contract objects, the pieces of their descriptor sets, and the schema that they make.
//
// A Contract's spec is stored without its descriptor set, which is larger than a transaction may be; that lies beside
// it in pieces, by digest.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/resource/objects.h"

namespace novacron::host::resource {

class Contracts {
 public:
  explicit Contracts(Objects& objects) : objects_(objects), snapshot_(std::make_shared<Snapshot>()) {}

  /// [any]
  std::shared_ptr<const contract::Schema> schema() const { return snapshot()->schema; }
  /// Of the Contract that defines a package; empty: the host's own.
  std::string uid_of(const std::string& package) const;

  /// Held by whoever writes a Contract, from prepare() to reload().
  std::mutex& writers() { return writers_; }
  /// The spec as it is to be stored. INVALID_ARGUMENT and FAILED_PRECONDITION as Schema::create(), and
  /// FAILED_PRECONDITION "contract.downgrade".
  Result<std::string> prepare(const ObjectRef& ref, const std::string& spec);
  /// Puts the pieces of a spec's descriptor set; nothing when it has none.
  Status store_pieces(const std::string& spec);
  /// FAILED_PRECONDITION "contract.in-use": objects of its kinds, or plugins, are there.
  Status check_removable(const StoredObject& contract);
  /// Makes the schema of what is installed the effective one.
  Status reload();

 private:
  struct Snapshot {
    std::shared_ptr<const contract::Schema> schema = contract::core_schema();
    std::map<std::string, std::string> uid_by_package;
  };
  struct Installed {
    std::string uid;
    std::string object_name;
    contract::ContractSource source;
  };
  std::shared_ptr<const Snapshot> snapshot() const;
  Result<std::vector<Installed>> installed();
  Result<std::string> pieces(const std::string& digest);
  Status check_schema(const ObjectRef& ref, const contract::ContractSource& source, const std::string& version);

  Objects& objects_;
  std::mutex writers_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace novacron::host::resource
