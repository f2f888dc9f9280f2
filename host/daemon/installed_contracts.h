// Contracts as objects: what plugins provide is kept as Contract resources, and outlives the plugins.
#pragma once

#include <functional>

#include "host/auth/context.h"
#include "host/plugin/lifecycle.h"
#include "host/resource/store.h"

namespace novacron::host::daemon {

/// [worker] threads; blocks.
class InstalledContracts final : public plugin::ContractCatalog {
 public:
  InstalledContracts(resource::Store& store, auth::ContextPtr context) : store_(store), context_(std::move(context)) {}

  /// Makes a Contract object of each that is provided; a higher version replaces a lower one, never the other way
  /// round: objects may have what only the higher one knows. FAILED_PRECONDITION "contract.incompatible" names what two
  /// versions disagree on; INVALID_ARGUMENT "plugin.contract-missing" for one that the descriptor set does not define.
  Status install(const std::string& plugin, const std::string& descriptor_set,
                 const std::vector<plugin::Provided>& provides) override;
  bool satisfied(const plugin::Required& required) const override;

 private:
  Status keep(const plugin::Provided& provided, const std::string& descriptor_set);
  Status check_part(const plugin::Provided& provided, const std::string& descriptor_set) const;

  resource::Store& store_;
  const auth::ContextPtr context_;
};

}  // namespace novacron::host::daemon
