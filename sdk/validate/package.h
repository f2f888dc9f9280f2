// A plugin's package: the library, plugin.json and contracts.binpb of its folder, read and not yet judged.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "novacron/result.h"
#include "sdk/boundary/transcript.h"

namespace novacron::validate {

using Random = std::mt19937_64;

/// What plugin.json says; "" and 0 where it says nothing.
struct Manifest {
  std::string id;
  std::string version;
  std::string library;
  std::string contracts;
  std::string config;  ///< the full name of the configuration's message
  uint64_t abi_major = 0;
  std::vector<std::string> services;
};

/// Anything that is not there or of another type is left empty; what a package cannot do without is a fault.
Manifest parse_manifest(const std::string& json, std::vector<std::string>& faults);

/// How a method of a contract is called.
struct MethodShape {
  std::string name;
  bool is_client_stream = false;
  bool is_server_stream = false;
};

struct Contracts;

class Package final {
 public:
  static constexpr size_t kMaxLibraryBytes = 256 * 1'024 * 1'024;
  static constexpr size_t kMaxFileBytes = 4 * 1'024 * 1'024;

  /// `path` is the library, or its folder. NOT_FOUND. What else is wrong is in `faults`.
  static Result<std::unique_ptr<Package>> open(const std::string& path);
  ~Package();

  const std::string& library_path() const { return library_path_; }
  const std::string& library() const { return library_; }
  const Manifest& manifest() const { return manifest_; }
  const std::string& contracts_sha256() const { return contracts_sha256_; }
  /// What is wrong with plugin.json and contracts.binpb by themselves.
  const std::vector<std::string>& faults() const { return faults_; }

  /// Null: the contracts know no such service.
  const std::vector<MethodShape>* methods_of(const std::string& service) const;
  /// A valid request; random bytes if the contracts do not know the method.
  std::string random_request(const std::string& service, const std::string& method, Random& random) const;
  /// The same with every field that a contract marks as secret made unrecognizable. Bodies whose type the contracts do
  /// not know stay as they are.
  std::vector<boundary::Record> without_secrets(std::vector<boundary::Record> records) const;
  /// The configuration's bytes from its JSON. INVALID_ARGUMENT.
  Result<std::string> config_from_json(const std::string& json) const;

 private:
  Package();
  void read_contracts(const std::string& bytes);

  std::string library_path_;
  std::string library_;
  Manifest manifest_;
  std::string contracts_sha256_;
  std::vector<std::string> faults_;
  std::unique_ptr<Contracts> contracts_;
};

}  // namespace novacron::validate
