#include "host/daemon/installed_contracts.h"

#include <google/protobuf/descriptor.pb.h>

#include <map>
#include <set>

#include "host/base/semver.h"
#include "host/base/sha256.h"
#include "novacron/core/v1/host.pb.h"

namespace novacron::host::daemon {
namespace {

namespace pb = google::protobuf;
namespace api = novacron::core::v1;

/// The files of one package and all that they import, in the order in which they were.
std::string descriptor_set_of(const std::string& package, const pb::FileDescriptorSet& all) {
  std::map<std::string, const pb::FileDescriptorProto*> by_name;
  for (const auto& file : all.file()) by_name[file.name()] = &file;
  std::set<std::string> wanted;
  std::vector<std::string> next;
  for (const auto& file : all.file()) {
    if (file.package() == package) next.push_back(file.name());
  }
  while (!next.empty()) {
    const std::string name = std::move(next.back());
    next.pop_back();
    const auto file = by_name.find(name);
    if (file == by_name.end() || !wanted.insert(name).second) continue;
    for (const std::string& import : file->second->dependency()) next.push_back(import);
  }
  pb::FileDescriptorSet out;
  for (const auto& file : all.file()) {
    if (wanted.count(file.name()) != 0) *out.add_file() = file;
  }
  return out.SerializeAsString();
}

}  // namespace

Status InstalledContracts::install(const std::string& plugin, const std::string& descriptor_set,
                                   const std::vector<plugin::Provided>& provides) {
  pb::FileDescriptorSet all;
  if (!all.ParseFromString(descriptor_set)) {
    return Error{Code::kInvalidArgument, "the contracts of " + plugin + " are no descriptor set", "contract.invalid"};
  }
  const auto defined = TRY(contract::contracts_of(descriptor_set));
  for (const plugin::Provided& provided : provides) {
    bool is_defined = false;
    for (const auto& info : defined) {
      is_defined |= info.package == provided.contract && info.version == provided.version.to_string();
    }
    if (!is_defined) {
      return Error{Code::kInvalidArgument,
                   plugin + " says that it provides " + provided.contract + " " + provided.version.to_string() +
                       ", but its contracts file does not define that",
                   "plugin.contract-missing"};
    }
    TRY_STATUS(keep(provided, descriptor_set_of(provided.contract, all)));
  }
  return {};
}

Status InstalledContracts::keep(const plugin::Provided& provided, const std::string& descriptor_set) {
  api::ContractSpec spec;
  spec.set_package(provided.contract);
  spec.set_version(provided.version.to_string());
  spec.set_digest("sha256:" + sha256_hex(descriptor_set));
  spec.set_descriptor_set(descriptor_set);
  const resource::ObjectRef ref{std::string(resource::kContractKind), "",
                                contract::contract_object_name(provided.contract)};
  api::Metadata metadata;
  metadata.set_name(ref.name);

  const auto there = store_.get(context_, ref);
  if (there.code() == Code::kNotFound) {
    const auto created =
        store_.create(context_, ref, resource::Body::parts(metadata.SerializeAsString(), spec.SerializeAsString()));
    if (created.ok() || created.code() != Code::kAlreadyExists) return created.ok() ? Status() : created.error();
    return keep(provided, descriptor_set);  // somebody else was faster
  }
  if (!there.ok()) return there.error();
  api::ContractSpec old;
  old.ParseFromString(there->spec);
  if (old.digest() == spec.digest()) return {};
  const auto old_version = Version::parse(old.version());
  if (old_version.ok() && provided.version < *old_version) return check_part(provided, descriptor_set);
  if (!metadata.ParseFromString(there->metadata)) return Error{Code::kDataLoss, "corrupt metadata", "message.corrupt"};
  const auto replaced =
      store_.replace(context_, ref, resource::Body::parts(metadata.SerializeAsString(), spec.SerializeAsString()));
  return replaced.ok() ? Status() : replaced.error();
}

/// The installed version is newer. It must hold all that this one has, or else two plugins would misread each other.
Status InstalledContracts::check_part(const plugin::Provided& provided, const std::string& descriptor_set) const {
  const auto both = contract::Schema::create(
      {{provided.contract, store_.schema()->serialize()}, {provided.contract, descriptor_set}});
  return both.ok() ? Status() : both.error();
}

bool InstalledContracts::satisfied(const plugin::Required& required) const {
  for (const auto& info : store_.schema()->contracts()) {
    if (info.package != required.contract) continue;
    const auto version = Version::parse(info.version);
    if (version.ok() && required.range.contains(*version)) return true;
  }
  return false;
}

}  // namespace novacron::host::daemon
