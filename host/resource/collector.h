// Deletes in the background what deleted objects leave behind, and what is too old.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_set>

#include "host/resource/store.h"

namespace novacron::host::resource {

/// Has a thread of its own, which mostly waits. The store and the engine outlive it.
class Collector {
 public:
  struct Options {
    uint64_t retry_ms = 5'000;        ///< of what could not be deleted
    uint64_t expire_ms = 60'000;      ///< between looks for what is too old or too much
    uint64_t sweep_ms = 10 * 60'000;  ///< between looks for blobs that nobody has
    /// Called with Store::live_blobs() at each of the latter, to remove the others; empty: they stay.
    std::function<Status(const std::unordered_set<std::string>& live)> sweep_blobs = {};
  };
  Collector(Store& store, state::Engine& engine) : Collector(store, engine, Options{}) {}
  Collector(Store& store, state::Engine& engine, Options options);
  /// Waits for the round under way.
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace novacron::host::resource
