// Which endpoint answers a call now. The table is an immutable snapshot that is swapped, so a call sees one or the
// other.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/endpoint.h"

namespace novacron::host::plugin {

struct Provider {
  std::shared_ptr<Endpoint> endpoint;
  uint32_t service = 0;  ///< index into endpoint->services()
  const ServiceSpec& spec() const { return endpoint->services()[service]; }
};

/// The nodes whose calls end here: this one, and those that it answers for.
struct LocalNodes {
  std::string name;
  std::set<std::string, std::less<>> others;
  bool contains(std::string_view node) const { return node == name || others.contains(node); }
};

struct RouteSnapshot {
  uint64_t version = 0;
  /// By service, then by the provider's plugin id: the choice is the same on every node.
  std::map<std::string, std::map<std::string, Provider>, std::less<>> providers;

  /// UNAVAILABLE "plugin.no-provider", "node.unreachable".
  Result<Provider> find(std::string_view service, const Target& target, const LocalNodes& here) const;
};
using RouteSnapshotPtr = std::shared_ptr<const RouteSnapshot>;

/// [any] thread.
class RouteTable final {
 public:
  RouteTable();
  /// ALREADY_EXISTS when this plugin already provides one of the services.
  Status add(const std::shared_ptr<Endpoint>& endpoint);
  void remove(const Endpoint& endpoint);
  /// `next` stands where `old` stood, of the same plugin, in one step. A service that only `old` has is gone.
  void replace(const Endpoint& old, const std::shared_ptr<Endpoint>& next);
  RouteSnapshotPtr snapshot() const;
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  static void erase(RouteSnapshot& from, const Endpoint& endpoint);
  void publish(std::shared_ptr<RouteSnapshot> next);

  mutable std::mutex mutex_;
  RouteSnapshotPtr current_;
  std::atomic<uint64_t> version_{1};
};

/// Where a caller wants its calls to go, with the method table that it declared.
class Route final {
 public:
  Route(ServiceSpec wanted, Target target);

  /// The provider of one snapshot, and the callee's index of each method that the caller declared.
  struct Binding {
    static constexpr uint32_t kUnknown = UINT32_MAX;
    uint64_t version = 0;
    Provider provider;
    std::vector<uint32_t> methods;
  };
  using BindingPtr = std::shared_ptr<const Binding>;
  Result<BindingPtr> resolve(const RouteTable& table, const LocalNodes& here);

  const ServiceSpec& wanted() const { return wanted_; }
  const Target& target() const { return target_; }
  bool same(const ServiceSpec& wanted, const Target& target) const;

 private:
  const ServiceSpec wanted_;
  const Target target_;
  std::mutex mutex_;
  BindingPtr binding_;  ///< of the snapshot that was newest at the last call
};

}  // namespace novacron::host::plugin
