// Which manager decides which fields of an object: metadata.managed_fields, as sets.
#pragma once

#include <map>
#include <string>

#include "host/base/result.h"
#include "host/contract/field_set.h"

namespace novacron::core::v1 {
class Metadata;
}

namespace novacron::host::resource {

inline constexpr size_t kMaxManagers = 16;
/// Has what was there before the first apply. It is in nobody's way.
inline constexpr std::string_view kNobody = "nobody";

class Ownership {
 public:
  static Ownership of(const core::v1::Metadata& metadata);

  bool empty() const { return by_manager_.empty(); }
  /// None: the manager decides nothing.
  contract::Paths of_manager(const std::string& manager) const;
  /// Everything that others than `manager` decide.
  contract::Paths of_others(const std::string& manager) const;

  /// ABORTED "apply.conflict" with each of `changed` that another manager decides, and who.
  Status check_conflicts(const std::string& manager, const contract::Paths& changed) const;

  /// `manager` decides exactly `paths` from now on, and nobody else what it `changed`.
  void apply(const std::string& manager, contract::Paths paths, const contract::Paths& changed);
  /// `writer` has changed fields without applying: they are its own now, those that are still there.
  void change(const std::string& writer, const contract::Paths& changed, const contract::Paths& present);
  /// At the first apply: what is there besides `applied`, and the items that `applied` has keys of.
  void adopt(const contract::Paths& present, const contract::Paths& applied);
  /// Forgets what is no longer there, and who decides nothing.
  void retain(const contract::Paths& present);
  /// RESOURCE_EXHAUSTED "apply.managers".
  Status check_size() const;

  /// An entry whose paths are as before keeps its time.
  void write_to(core::v1::Metadata& metadata, uint64_t real_ns) const;

 private:
  std::map<std::string, contract::Paths> by_manager_;
};

/// The paths whose values differ. An empty message that got fields has not changed, it has more.
contract::Paths changed_paths(const contract::Leaves& before, const contract::Leaves& after);

}  // namespace novacron::host::resource
