// Reading objects from the state, without regard to who asks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host/resource/stored_object.h"
#include "host/state/sync.h"

namespace novacron::host::resource {

class Objects {
 public:
  explicit Objects(state::Engine& engine) : sync_(engine) {}

  /// None: it is not there. `at_revision` 0: now.
  Result<std::optional<StoredObject>> read(const ObjectRef& ref, uint64_t at_revision = 0);
  /// NOT_FOUND "resource.not-found" for a uid that names nothing.
  Result<ObjectRef> find_uid(std::string_view uid);
  Result<bool> any_with_prefix(std::string prefix);

  struct Scan {
    std::vector<StoredObject> objects;
    std::string last_key;  ///< of the last entry that was looked at; continue after it
    bool more = false;
    uint64_t revision = 0;
  };
  /// The objects of a prefix from behind `after_key` on, at most `limit`.
  Result<Scan> scan(const std::string& prefix, const std::string& after_key, size_t limit, uint64_t at_revision);
  /// Every object of a prefix, as of one revision.
  Result<std::vector<StoredObject>> all(const std::string& prefix);
  /// At most `limit` keys of a prefix, without it.
  Result<std::vector<std::string>> names(const std::string& prefix, uint32_t limit);

  state::Sync& sync() { return sync_; }

 private:
  state::Sync sync_;
};

}  // namespace novacron::host::resource
