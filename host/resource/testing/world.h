// A store over the real engine in a private folder, with the contract of host/contract/testdata installed.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "host/base/clock.h"
#include "host/resource/store.h"
#include "host/state/replica.h"

namespace novacron::host::resource::testing {

/// Goes only when it is told to; its real time starts in 2026.
class HandClock final : public Clock {
 public:
  uint64_t monotonic_ns() const override { return system_clock().monotonic_ns(); }
  uint64_t real_ns() const override { return real_ns_; }
  void advance_ns(uint64_t ns) { real_ns_ += ns; }

 private:
  std::atomic<uint64_t> real_ns_ = 1'780'000'000'000'000'000;
};

/// Everybody may do everything but what is named here: "user:eve use shop/Station".
class ListedAuthorizer final : public auth::Authorizer {
 public:
  std::vector<std::string> denied;
  Status authorize(const auth::Context& context, const auth::Access& access) const override;
};

class World {
 public:
  World();
  ~World();

  /// Ends the store and the engine, as an end of the process would, and starts them over the same folder.
  void restart();

  Store& store() { return *store_; }
  state::Engine& engine() { return *engine_; }

  HandClock clock;
  ListedAuthorizer authorizer;
  Retention retention;     ///< of the store, from its next start on
  auth::ContextPtr alice;  ///< a user
  auth::ContextPtr host;

  /// A robot of the tenant "default" with this spec.
  Result<WriteResult> make_robot(const std::string& name, const std::string& spec = "{}",
                                 const std::string& metadata = "");
  Result<WriteResult> make_station(const std::string& name);
  Result<WriteResult> patch_robot(const std::string& name, const std::string& patch);
  Result<ObjectView> robot(const std::string& name);
  /// The encoded status of a robot, from JSON.
  Result<WriteResult> set_status(const std::string& name, const std::string& status);
  /// The object's JSON, or the error's reason.
  std::string show(const Result<ObjectView>& object);

 private:
  void start();

  std::filesystem::path folder_;
  std::unique_ptr<state::Replica> engine_;
  std::unique_ptr<Store> store_;
};

ObjectRef robot_ref(const std::string& name);
ObjectRef station_ref(const std::string& name);
auth::ContextPtr user(const std::string& principal, const std::string& tenant = "");

}  // namespace novacron::host::resource::testing
