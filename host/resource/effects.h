// What a write would do, all in all, for dry runs: to the object, to what refers to it and belongs to it, and what the
// plugins would do that take notice of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/service.h"
#include "host/resource/objects.h"
#include "host/resource/store.h"
#include "host/resource/watchers.h"

namespace novacron::host::resource {

class StoredSpec;  // record.proto

inline constexpr size_t kMaxEffects = 256;  ///< of one plan; then it says that there are more
inline constexpr size_t kMaxEffectsOfPlugin = 64;
inline constexpr size_t kMaxPlanners = 16;
inline constexpr uint64_t kPlannerTimeoutNs = 1'000'000'000;
inline constexpr uint64_t kPlannersTimeoutNs = 3'000'000'000;  ///< all together

/// One write that is planned.
struct PlannedWrite {
  const auth::Context& context;
  std::string_view verb;
  const contract::Kind& kind;
  const StoredObject* before = nullptr;  ///< null: it is created
  const StoredObject* after = nullptr;   ///< null: it goes
};

class EffectPlanner {
 public:
  /// `caller` may be null: then no plugin is asked.
  EffectPlanner(Objects& objects, const Watchers& watchers, plugin::Caller* caller, const Clock& clock)
      : objects_(objects), watchers_(watchers), caller_(caller), clock_(clock) {}

  Result<std::vector<PlannedEffect>> plan(const PlannedWrite& write);

 private:
  void add(std::string subject, std::string action, std::string text, std::string by = "");
  void add_object(const PlannedWrite& write);
  void add_references(const PlannedWrite& write);
  Status add_deletion(const StoredObject& object);
  Status add_dependents(const std::string& uid, size_t depth);
  Status add_dependent(const std::string& uid, bool goes, const char* why, size_t depth);
  Status add_claim(const std::string& uid);
  Status ask_planners(const PlannedWrite& write);
  Result<std::vector<std::string>> planners();
  Status ask(const std::string& plugin, const std::string& request, uint64_t until_ns);

  Objects& objects_;
  const Watchers& watchers_;
  plugin::Caller* caller_;
  const Clock& clock_;
  std::vector<PlannedEffect> effects_;
  bool more_ = false;
};

}  // namespace novacron::host::resource
