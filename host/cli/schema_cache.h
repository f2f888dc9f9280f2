// Schemas that hosts have served, on disk by their digest: the tree of commands is there without asking twice, and
// --help works when the host is away. Whatever goes wrong with a cache is no error: it is then empty.
#pragma once

#include <memory>
#include <string>

#include "host/contract/schema.h"

namespace novacron::host::cli {

inline constexpr size_t kMaxCachedSchemas = 16;

class SchemaCache {
 public:
  /// `folder` is made when something is stored.
  explicit SchemaCache(std::string folder) : folder_(std::move(folder)) {}

  /// The digest that `server` had last; "" if it is not known or its bytes are gone.
  std::string digest_of(const std::string& server) const;
  /// Null if it is not there, or is not what its name says.
  std::shared_ptr<const contract::Schema> find(const std::string& digest) const;
  /// Beyond kMaxCachedSchemas, those that were stored first are removed.
  void store(const std::string& server, const contract::Schema& schema) const;

 private:
  std::string schema_path(const std::string& digest) const;
  std::string server_path(const std::string& server) const;
  void prune() const;

  const std::string folder_;
};

}  // namespace novacron::host::cli
