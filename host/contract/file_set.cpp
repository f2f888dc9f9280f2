#include "host/contract/file_set.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <novacron/core/v1/admission.pb.h>
#include <novacron/core/v1/blob.pb.h>
#include <novacron/core/v1/host.pb.h>
#include <novacron/core/v1/operation.pb.h>
#include <novacron/core/v1/planner.pb.h>
#include <novacron/core/v1/plugin.pb.h>
#include <novacron/core/v1/resource.pb.h>
#include <novacron/core/v1/state.pb.h>
#include <novacron/options.pb.h>

#include <algorithm>
#include <set>

#include "host/base/semver.h"
#include "host/contract/compat.h"
#include "host/contract/violations.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

constexpr std::string_view kCorePackage = "novacron.core.v1";
constexpr std::string_view kIncompatible = "contract.incompatible";
constexpr std::string_view kInvalid = "contract.invalid";

Error invalid(std::string message) {
  return {Code::kInvalidArgument, std::move(message), std::string(kInvalid)};
}

/// Messages of the core files by name, so that the linker keeps the descriptors of all of them.
std::vector<const pb::FileDescriptor*> core_files() {
  return {core::v1::Metadata::descriptor()->file(),     core::v1::Plugin::descriptor()->file(),
          core::v1::KeyValue::descriptor()->file(),     core::v1::BlobInfo::descriptor()->file(),
          core::v1::AdmitRequest::descriptor()->file(), core::v1::OperationReport::descriptor()->file(),
          core::v1::PlanRequest::descriptor()->file(),  core::v1::MovePluginRequest::descriptor()->file()};
}

/// One contract's copy of a package.
struct PackageCopy {
  Version version;  ///< 0.0.0 when the copy does not say, as with a few imported files
  size_t source = 0;
  std::vector<const pb::FileDescriptorProto*> files;
};

Result<Version> version_of(const std::vector<const pb::FileDescriptorProto*>& files) {
  for (const auto* file : files) {
    if (file->options().HasExtension(::novacron::contract)) {
      return Version::parse(file->options().GetExtension(::novacron::contract).version());
    }
  }
  return Version{};
}
}  // namespace

bool is_host_package(std::string_view package) {
  return package == "google.protobuf" || package == "novacron" || package == kCorePackage;
}

Status parse_descriptor_set(std::string_view bytes, pb::FileDescriptorSet& out) {
  if (bytes.size() > kMaxDescriptorSetBytes) {
    return Error{Code::kResourceExhausted, "a descriptor set has at most 4 MiB", "contract.too-large"};
  }
  if (!out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return invalid("this is no FileDescriptorSet");
  return {};
}

class FileSet::Merge {
 public:
  explicit Merge(FileSet& out) : out_(out) {}

  Status run(const std::vector<ContractSource>& contracts) {
    TRY_STATUS(add_core());
    sets_.resize(contracts.size());
    for (size_t i = 0; i < contracts.size(); ++i) TRY_STATUS(add_source(contracts[i], i));
    for (auto& [package, copies] : copies_) choose(copies);
    TRY_STATUS(violations_.status(Code::kFailedPrecondition, kIncompatible));
    return order();
  }

 private:
  Status add_core() {
    for (const auto* file : core_files()) add_generated(*file);
    out_.packages_.emplace_back(kCorePackage);
    return {};
  }

  /// A file that is compiled into the host, and what it imports.
  void add_generated(const pb::FileDescriptor& file) {
    auto& slot = out_.by_name_[file.name()];
    if (slot) return;
    slot = std::make_unique<pb::FileDescriptorProto>();
    file.CopyTo(slot.get());
    for (int i = 0; i < file.dependency_count(); ++i) add_generated(*file.dependency(i));
  }

  Status add_source(const ContractSource& source, size_t index) {
    auto& set = sets_[index];
    TRY_STATUS(parse_descriptor_set(source.descriptor_set, set));
    std::map<std::string, std::vector<const pb::FileDescriptorProto*>> packages;
    for (const auto& file : set.file()) {
      if (is_host_package(file.package())) {
        TRY_STATUS(check_host_file(file));
      } else {
        packages[file.package()].push_back(&file);
      }
    }
    if (!packages.contains(source.package)) return invalid("the descriptor set has no package " + source.package);
    for (auto& [package, files] : packages) {
      const Version version = TRY(version_of(files));
      copies_[package].push_back({version, index, files});
    }
    auto& installed = out_.packages_;
    if (std::find(installed.begin(), installed.end(), source.package) == installed.end()) {
      installed.push_back(source.package);
    }
    return {};
  }

  Status check_host_file(const pb::FileDescriptorProto& file) {
    const auto* own = pb::DescriptorPool::generated_pool()->FindFileByName(file.name());
    if (!own || own->package() != file.package()) {
      return Error{Code::kFailedPrecondition, file.name() + ": this host has no such file; it may be too old",
                   std::string(kIncompatible)};
    }
    add_generated(*own);
    if (file.package() != "google.protobuf") require_superset(file, *out_.by_name_[file.name()], violations_);
    return {};
  }

  /// Of each file the copy of the highest version, which must hold all of the lower ones.
  void choose(std::vector<PackageCopy>& copies) {
    std::stable_sort(copies.begin(), copies.end(), [](const auto& a, const auto& b) { return a.version < b.version; });
    for (const auto& copy : copies) {
      for (const auto* file : copy.files) {
        auto& slot = out_.by_name_[file->name()];
        if (slot && slot->package() != file->package()) {
          violations_.add(file->name(), "the file is there already, with package " + slot->package());
          continue;
        }
        if (slot) compare(*slot, versions_[file->name()], *file, copy.version);
        versions_[file->name()] = copy.version;
        slot = std::make_unique<pb::FileDescriptorProto>(*file);
      }
    }
  }

  void compare(const pb::FileDescriptorProto& older, const Version& older_version, const pb::FileDescriptorProto& newer,
               const Version& newer_version) {
    require_superset(older, newer, violations_);
    if (older_version == newer_version) require_superset(newer, older, violations_);
  }

  Status order() {
    std::set<std::string> done;
    for (const auto& package : out_.packages_) {
      for (const auto& [name, file] : out_.by_name_) {
        if (file->package() == package) TRY_STATUS(visit(name, done, 0));
      }
    }
    for (const auto& [name, file] : out_.by_name_) TRY_STATUS(visit(name, done, 0));
    return {};
  }

  Status visit(const std::string& name, std::set<std::string>& done, size_t depth) {
    constexpr size_t kMaxImportDepth = 64;
    if (done.contains(name)) return {};
    const auto file = out_.by_name_.find(name);
    if (file == out_.by_name_.end()) return invalid("the descriptor set lacks the imported file " + name);
    if (depth > kMaxImportDepth) return invalid(name + ": imports are in a circle or nested too deep");
    for (const auto& import : file->second->dependency()) TRY_STATUS(visit(import, done, depth + 1));
    if (done.insert(name).second) out_.ordered_.push_back(file->second.get());
    return {};
  }

  FileSet& out_;
  std::vector<pb::FileDescriptorSet> sets_;
  std::map<std::string, std::vector<PackageCopy>> copies_;
  std::map<std::string, Version> versions_;
  Violations violations_;
};

FileSet::FileSet() = default;
FileSet::~FileSet() = default;
FileSet::FileSet(FileSet&&) noexcept = default;
FileSet& FileSet::operator=(FileSet&&) noexcept = default;

Result<FileSet> FileSet::merge(const std::vector<ContractSource>& contracts) {
  FileSet out;
  TRY_STATUS(Merge(out).run(contracts));
  return out;
}

Result<std::vector<ContractInfo>> contracts_of(std::string_view descriptor_set) {
  pb::FileDescriptorSet set;
  TRY_STATUS(parse_descriptor_set(descriptor_set, set));
  std::vector<ContractInfo> out;
  for (const auto& file : set.file()) {
    if (is_host_package(file.package()) || !file.options().HasExtension(::novacron::contract)) continue;
    const auto& options = file.options().GetExtension(::novacron::contract);
    out.push_back({file.package(), options.version(), options.summary()});
  }
  return out;
}

std::string contract_object_name(std::string_view package) {
  std::string name(package);
  std::replace(name.begin(), name.end(), '.', '-');
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

}  // namespace novacron::host::contract
