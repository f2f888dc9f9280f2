// The credential of the first administrator: made at the first start, shown once, kept as a hash.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace novacron::host::auth {

/// A secret of 256 random bits that stands for the administrator until accounts exist. [any] thread.
class BootstrapCredential {
 public:
  struct Opened;
  /// Reads the hash in `file` (mode 0600), or makes a new credential when there is none.
  static Result<Opened> open(const std::string& file);

  /// Takes the same time whatever `secret` is.
  bool matches(std::string_view secret) const;

 private:
  BootstrapCredential(std::string salt, std::string hash) : salt_(std::move(salt)), hash_(std::move(hash)) {}
  std::string salt_;
  std::string hash_;
};

struct BootstrapCredential::Opened {
  BootstrapCredential credential;
  std::optional<std::string> secret;  ///< set when it was made just now: its only chance to be shown
};

}  // namespace novacron::host::auth
