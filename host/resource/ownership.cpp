#include "host/resource/ownership.h"

#include <novacron/core/v1/resource.pb.h>

#include <algorithm>

#include "host/contract/violations.h"

namespace novacron::host::resource {

namespace {
using contract::Paths;

constexpr uint64_t kSecondNs = 1'000'000'000;

void subtract(Paths& from, const Paths& what) {
  std::erase_if(from, [&what](const std::string& path) { return what.contains(path); });
}

const core::v1::FieldManager* find(const core::v1::Metadata& metadata, const std::string& name) {
  for (const auto& entry : metadata.managed_fields()) {
    if (entry.name() == name) return &entry;
  }
  return nullptr;
}
}  // namespace

Ownership Ownership::of(const core::v1::Metadata& metadata) {
  Ownership ownership;
  for (const auto& entry : metadata.managed_fields())
    ownership.by_manager_[entry.name()] = {entry.paths().begin(), entry.paths().end()};
  return ownership;
}

Paths Ownership::of_manager(const std::string& manager) const {
  const auto found = by_manager_.find(manager);
  return found == by_manager_.end() ? Paths() : found->second;
}

Paths Ownership::of_others(const std::string& manager) const {
  Paths others;
  for (const auto& [name, paths] : by_manager_) {
    if (name != manager) others.insert(paths.begin(), paths.end());
  }
  return others;
}

Status Ownership::check_conflicts(const std::string& manager, const Paths& changed) const {
  contract::Violations conflicts;
  for (const auto& [name, paths] : by_manager_) {
    if (name == manager || name == kNobody) continue;
    for (const auto& path : changed) {
      if (paths.contains(path)) conflicts.add(path, "is decided by " + name + "; apply with force to take it over");
    }
  }
  return conflicts.status(Code::kAborted, "apply.conflict");
}

void Ownership::apply(const std::string& manager, Paths paths, const Paths& changed) {
  for (auto& [name, owned] : by_manager_) subtract(owned, changed);
  by_manager_[manager] = std::move(paths);
}

void Ownership::change(const std::string& writer, const Paths& changed, const Paths& present) {
  for (auto& [name, owned] : by_manager_) subtract(owned, changed);
  const auto room = by_manager_.contains(writer) || by_manager_.size() < kMaxManagers;
  auto& owned = by_manager_[room ? writer : std::string(kNobody)];
  std::set_intersection(changed.begin(), changed.end(), present.begin(), present.end(),
                        std::inserter(owned, owned.end()));
}

void Ownership::adopt(const Paths& present, const Paths& applied) {
  Paths rest;
  for (const auto& path : present) {
    const auto items = contract::items_around(path);
    const bool of_applied_item = std::any_of(
        items.begin(), items.end(), [&applied](const auto& item) { return contract::has_within(applied, item); });
    if (!of_applied_item && !applied.contains(path)) rest.insert(path);
  }
  by_manager_[std::string(kNobody)] = std::move(rest);
}

void Ownership::retain(const Paths& present) {
  for (auto& [name, owned] : by_manager_)
    std::erase_if(owned, [&present](const std::string& path) { return !present.contains(path); });
  std::erase_if(by_manager_, [](const auto& entry) { return entry.second.empty(); });
}

Status Ownership::check_size() const {
  const size_t managers = by_manager_.size() - by_manager_.count(std::string(kNobody));
  if (managers <= kMaxManagers) return {};
  return Error{Code::kResourceExhausted, "an object has at most " + std::to_string(kMaxManagers) + " field managers",
               "apply.managers"};
}

void Ownership::write_to(core::v1::Metadata& metadata, uint64_t real_ns) const {
  const core::v1::Metadata before = metadata;
  metadata.clear_managed_fields();
  for (const auto& [name, paths] : by_manager_) {
    if (paths.empty()) continue;
    const auto* known = find(before, name);
    auto& entry = *metadata.add_managed_fields();
    if (known && std::equal(paths.begin(), paths.end(), known->paths().begin(), known->paths().end())) {
      entry = *known;
      continue;
    }
    entry.set_name(name);
    for (const auto& path : paths) entry.add_paths(path);
    entry.mutable_changed_at()->set_seconds(static_cast<int64_t>(real_ns / kSecondNs));
    entry.mutable_changed_at()->set_nanos(static_cast<int32_t>(real_ns % kSecondNs));
  }
}

Paths changed_paths(const contract::Leaves& before, const contract::Leaves& after) {
  const Paths present = contract::paths_of(after);
  Paths changed;
  for (const auto& [path, value] : before) {
    const auto now = after.find(path);
    const bool grew = now == after.end() && value == "{}" && contract::has_within(present, path);
    if (!grew && (now == after.end() || now->second != value)) changed.insert(path);
  }
  for (const auto& [path, value] : after) {
    if (!before.contains(path)) changed.insert(path);
  }
  return changed;
}

}  // namespace novacron::host::resource
