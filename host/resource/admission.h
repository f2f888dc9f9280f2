// The plugins that are asked before an object is written, as the AdmissionHooks say: those that mutate first, then
// those that validate, each by its order.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/service.h"
#include "host/resource/objects.h"
#include "host/resource/writer.h"

namespace novacron::core::v1 {
class AdmitReply;
class AdmitRequest;
}  // namespace novacron::core::v1

namespace novacron::host::resource {

inline constexpr size_t kMaxHooks = 64;

/// One write that hooks are asked about.
struct Admittance {
  const auth::Context& context;
  std::string_view verb;
  Effect effect = Effect::kCommit;
  const ObjectRef& ref;
  const contract::Kind& kind;
  const StoredObject* current = nullptr;  ///< null: it is created
};

/// Makes a record that a hook has changed what can be stored: defaults, rules, generation.
using Refinish = std::function<Status(StoredSpec& record)>;

class AdmissionChain {
 public:
  AdmissionChain(Objects& objects, plugin::Caller& caller) : objects_(objects), caller_(caller) {}

  /// Asks each hook of the kind and verb, and changes `draft` as they say. PERMISSION_DENIED with the hook's own reason
  /// for a refusal; UNAVAILABLE "admission.unavailable" when one that fails closed does not answer in time.
  Status admit(const Admittance& write, Draft& draft, const Refinish& refinish);

 private:
  struct Hook;
  Result<std::vector<Hook>> hooks_of(const Admittance& write);
  /// What the hook says; an empty reply when it does not answer and fails open.
  Result<core::v1::AdmitReply> call(const Hook& hook, const core::v1::AdmitRequest& request);
  Status ask(const Hook& hook, const Admittance& write, Draft& draft, const Refinish& refinish);

  Objects& objects_;
  plugin::Caller& caller_;
};

}  // namespace novacron::host::resource
