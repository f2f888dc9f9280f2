#include "host/resource/contracts.h"

#include <novacron/core/v1/host.pb.h>

#include <algorithm>

#include "host/base/log.h"
#include "host/base/semver.h"
#include "host/base/sha256.h"
#include "host/contract/violations.h"
#include "host/resource/keys.h"

namespace novacron::host::resource {

namespace {
constexpr size_t kPieceBytes = 512 * 1024;

Error unreadable(const ObjectRef& ref) {
  return {Code::kDataLoss, "the spec of " + describe(ref) + " cannot be read", "resource.corrupt"};
}

Result<contract::ContractInfo> info_of(const core::v1::ContractSpec& spec) {
  for (auto& info : TRY(contract::contracts_of(spec.descriptor_set()))) {
    if (info.package == spec.package()) return std::move(info);
  }
  return Error{Code::kInvalidArgument, "the descriptor set defines no contract " + spec.package(), "contract.invalid"};
}

/// Fills in what follows from the descriptor set, and checks what was given against it.
Status complete(const ObjectRef& ref, const contract::ContractInfo& info, core::v1::ContractSpec& spec) {
  contract::Violations violations;
  const std::string digest = "sha256:" + sha256_hex(spec.descriptor_set());
  if (ref.name != contract::contract_object_name(spec.package())) {
    violations.add("metadata.name", "must be " + contract::contract_object_name(spec.package()));
  }
  if (!spec.version().empty() && spec.version() != info.version) {
    violations.add("spec.version", "must be " + info.version + ", as in the descriptor set");
  }
  if (!spec.digest().empty() && spec.digest() != digest) violations.add("spec.digest", "must be " + digest);
  spec.set_version(info.version);
  spec.set_digest(digest);
  return violations.status();
}
}  // namespace

std::shared_ptr<const Contracts::Snapshot> Contracts::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

std::string Contracts::uid_of(const std::string& package) const {
  const auto now = snapshot();
  const auto found = now->uid_by_package.find(package);
  return found == now->uid_by_package.end() ? std::string() : found->second;
}

Result<std::string> Contracts::prepare(const ObjectRef& ref, const std::string& bytes) {
  core::v1::ContractSpec spec;
  if (!spec.ParseFromString(bytes)) return unreadable(ref);
  if (spec.descriptor_set().empty()) spec.set_descriptor_set(TRY(pieces(spec.digest())));
  const auto info = TRY(info_of(spec));
  TRY_STATUS(complete(ref, info, spec));
  TRY_STATUS(check_schema(ref, {spec.package(), spec.descriptor_set()}, info.version));
  return message_bytes(spec);
}

/// The new one must fit the others, and hold all that the one which it replaces defines.
Status Contracts::check_schema(const ObjectRef& ref, const contract::ContractSource& source,
                               const std::string& version) {
  std::vector<contract::ContractSource> others;
  std::vector<contract::ContractSource> with_previous;
  for (auto& installed : TRY(installed())) {
    if (installed.object_name != ref.name) others.push_back(installed.source);
    with_previous.push_back(std::move(installed.source));
  }
  with_previous.push_back(source);
  others.push_back(source);
  TRY(contract::Schema::create(with_previous));
  for (const auto& now : schema()->contracts()) {
    if (now.package != source.package) continue;
    const auto wanted = TRY(Version::parse(version));
    if (wanted < TRY(Version::parse(now.version))) {
      return Error{Code::kFailedPrecondition, source.package + " " + now.version + " is installed, which is newer",
                   "contract.downgrade"};
    }
  }
  TRY(contract::Schema::create(others));
  return {};
}

Status Contracts::store_pieces(const std::string& bytes) {
  core::v1::ContractSpec spec;
  if (!spec.ParseFromString(bytes)) return Error{Code::kDataLoss, "a contract cannot be read", "resource.corrupt"};
  const std::string& set = spec.descriptor_set();
  const std::string prefix = descriptors_prefix(spec.digest());
  for (size_t i = 0; i * kPieceBytes < set.size(); ++i) {
    const std::string number = std::to_string(1'000 + i);  // four digits, so that keys are in order
    TRY(objects_.sync().put(prefix + number, set.substr(i * kPieceBytes, kPieceBytes)));
  }
  return {};
}

Result<std::string> Contracts::pieces(const std::string& digest) {
  std::string set;
  if (!digest.empty()) {
    state::RangeRequest request;
    request.keys = state::KeyRange::prefix(descriptors_prefix(digest));
    for (const auto& entry : TRY(objects_.sync().range(std::move(request))).entries) set += entry->value;
  }
  if (!set.empty() && "sha256:" + sha256_hex(set) == digest) return set;
  return Error{Code::kInvalidArgument,
               "spec.descriptor_set: is required",
               "field.invalid",
               {{"spec.descriptor_set", "is required"}}};
}

Result<std::vector<Contracts::Installed>> Contracts::installed() {
  auto objects = TRY(objects_.all(kind_prefix(kContractKind)));
  std::sort(objects.begin(), objects.end(),
            [](const auto& a, const auto& b) { return a.create_revision < b.create_revision; });
  std::vector<Installed> out;
  for (const auto& object : objects) {
    core::v1::ContractSpec spec;
    if (!spec.ParseFromString(view_of(contract::core_schema(), object).spec)) return unreadable(object.ref);
    std::string set = TRY(pieces(spec.digest()));
    out.push_back({object.ref.uid, object.ref.name, {spec.package(), std::move(set)}});
  }
  return out;
}

Status Contracts::reload() {
  auto next = std::make_shared<Snapshot>();
  std::vector<contract::ContractSource> sources;
  for (auto& contract : TRY(installed())) {
    next->uid_by_package[contract.source.package] = contract.uid;
    sources.push_back(std::move(contract.source));
  }
  next->schema = TRY(contract::Schema::create(sources));
  const std::lock_guard lock(mutex_);
  snapshot_ = std::move(next);
  return {};
}

Status Contracts::check_removable(const StoredObject& object) {
  const auto in_use = [](std::string message) {
    return Error{Code::kFailedPrecondition, std::move(message), "contract.in-use"};
  };
  core::v1::ContractSpec spec;
  if (!spec.ParseFromString(view_of(contract::core_schema(), object).spec)) return unreadable(object.ref);
  for (const auto& kind : schema()->kinds()) {
    if (kind.package != spec.package()) continue;
    if (TRY(objects_.any_with_prefix(kind_prefix(kind.id)))) {
      return in_use("there are still " + kind.plural + "; delete them first");
    }
  }
  for (const auto& stored : TRY(objects_.all(kind_prefix(kPluginKind)))) {
    core::v1::PluginStatus plugin;
    if (!plugin.ParseFromString(stored.status)) return unreadable(stored.ref);
    const auto names = [&spec](const std::string& contract) { return contract.starts_with(spec.package() + "@"); };
    if (std::any_of(plugin.provides().begin(), plugin.provides().end(), names) ||
        std::any_of(plugin.requirements().begin(), plugin.requirements().end(), names)) {
      return in_use("the plugin " + stored.ref.name + " is still installed and uses it");
    }
  }
  return {};
}

}  // namespace novacron::host::resource
