#include "host/contract/schema.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <novacron/options.pb.h>

#include <algorithm>

#include "host/base/sha256.h"
#include "host/contract/describe.h"
#include "host/contract/file_set.h"
#include "host/contract/lint.h"
#include "host/contract/message.h"
#include "host/contract/violations.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

class Collector : public pb::DescriptorPool::ErrorCollector {
 public:
  explicit Collector(Violations& violations) : violations_(violations) {}
  void AddError(const std::string& file, const std::string& element, const pb::Message*, ErrorLocation,
                const std::string& message) override {
    violations_.add(element.empty() ? file : element, message);
  }
  void AddWarning(const std::string&, const std::string&, const pb::Message*, ErrorLocation,
                  const std::string&) override {}

 private:
  Violations& violations_;
};

/// Comments and imported packages' versions left out: they are no part of what is served.
std::string serialize_files(const FileSet& files) {
  pb::FileDescriptorSet set;
  for (const auto* file : files.files()) {
    auto& copy = *set.add_file();
    copy = *file;
    copy.clear_source_code_info();
    const auto& installed = files.packages();
    if (std::find(installed.begin(), installed.end(), file->package()) == installed.end()) {
      copy.mutable_options()->ClearExtension(::novacron::contract);
    }
  }
  return serialize(set);
}
}  // namespace

struct Schema::Parts {
  pb::DescriptorPool pool;
  pb::DynamicMessageFactory factory{&pool};
  Violations violations;
  Description description{factory, violations};
  std::vector<ContractInfo> contracts;
  std::string serialized;
  std::string digest;
};

class Schema::Builder {
 public:
  static Result<std::unique_ptr<Parts>> build(const FileSet& files) {
    Builder builder;
    TRY_STATUS(builder.build_pool(files));
    builder.describe(files);
    TRY_STATUS(builder.parts_->violations.status(Code::kInvalidArgument, "contract.invalid"));
    builder.parts_->serialized = serialize_files(files);
    builder.parts_->digest = "sha256:" + sha256_hex(builder.parts_->serialized);
    return std::move(builder.parts_);
  }

 private:
  Status build_pool(const FileSet& files) {
    Collector collector(parts_->violations);
    for (const auto* file : files.files()) {
      if (!parts_->pool.BuildFileCollectingErrors(*file, &collector)) break;
    }
    return parts_->violations.status(Code::kInvalidArgument, "contract.invalid");
  }

  void describe(const FileSet& files) {
    for (const auto& package : files.packages()) describe_package(files, package);
    parts_->description.finish();
    for (const auto* file : installed_) lint_file(*file, parts_->description, parts_->violations);
  }

  void describe_package(const FileSet& files, const std::string& package) {
    std::vector<std::string> versions;
    for (const auto* proto : files.files()) {
      if (proto->package() != package) continue;
      const auto* file = parts_->pool.FindFileByName(proto->name());
      parts_->description.add_file(*file, true);
      installed_.push_back(file);
      if (!file->options().HasExtension(::novacron::contract)) continue;
      const auto& options = file->options().GetExtension(::novacron::contract);
      versions.push_back(options.version());
      parts_->contracts.push_back({package, options.version(), options.summary()});
    }
    lint_package(package, versions, parts_->violations);
  }

  std::unique_ptr<Parts> parts_ = std::make_unique<Parts>();
  std::vector<const pb::FileDescriptor*> installed_;
};

Schema::Schema(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Schema::~Schema() = default;

Result<std::shared_ptr<const Schema>> Schema::create(const std::vector<ContractSource>& contracts) {
  const FileSet files = TRY(FileSet::merge(contracts));
  auto parts = TRY(Builder::build(files));
  return std::shared_ptr<const Schema>(new Schema(std::move(parts)));
}

Result<std::shared_ptr<const Schema>> Schema::parse(std::string_view serialized) {
  std::vector<ContractSource> sources;
  for (const auto& info : TRY(contracts_of(serialized))) sources.push_back({info.package, std::string(serialized)});
  return create(sources);
}

const std::string& Schema::serialize() const {
  return parts_->serialized;
}
const std::string& Schema::digest() const {
  return parts_->digest;
}
const std::vector<ContractInfo>& Schema::contracts() const {
  return parts_->contracts;
}
const std::vector<Kind>& Schema::kinds() const {
  return parts_->description.kinds;
}

const Kind* Schema::find_kind(std::string_view id) const {
  const auto found = std::find_if(kinds().begin(), kinds().end(), [id](const Kind& kind) { return kind.id == id; });
  return found == kinds().end() ? nullptr : &*found;
}

const Kind* Schema::find_noun(std::string_view noun) const {
  const auto by = [this](auto&& matches) -> const Kind* {
    const auto found = std::find_if(kinds().begin(), kinds().end(), matches);
    return found == kinds().end() ? nullptr : &*found;
  };
  if (const auto* kind = find_kind(noun)) return kind;
  if (const auto* kind = find_segment(noun)) return kind;
  const auto has_short = [noun](const Kind& kind) {
    return std::find(kind.short_names.begin(), kind.short_names.end(), noun) != kind.short_names.end();
  };
  if (const auto* kind = by(has_short)) return kind;
  if (const auto* kind = by([noun](const Kind& k) { return k.name == noun; })) return kind;
  return by([noun](const Kind& kind) { return kind.plural + "." + kind.group == noun; });
}

const Kind* Schema::find_segment(std::string_view segment) const {
  const auto found =
      std::find_if(kinds().begin(), kinds().end(), [segment](const Kind& kind) { return kind.segment == segment; });
  return found == kinds().end() ? nullptr : &*found;
}

const Service* Schema::find_service(std::string_view full_name) const {
  const auto& services = parts_->description.services;
  const auto found = services.find(full_name);
  return found == services.end() ? nullptr : &found->second;
}

const MessageType* Schema::find_message(std::string_view full_name) const {
  const auto& messages = parts_->description.messages;
  const auto found = messages.find(full_name);
  return found == messages.end() ? nullptr : found->second.get();
}

const std::shared_ptr<const Schema>& core_schema() {
  static const std::shared_ptr<const Schema> schema = [] {
    auto built = Schema::create({});
    assert(built.ok());
    return std::move(built).value();
  }();
  return schema;
}

}  // namespace novacron::host::contract
