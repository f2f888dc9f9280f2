#include "host/resource/metadata.h"

#include <novacron/core/v1/resource.pb.h>

#include <set>

#include "host/contract/lint.h"

namespace novacron::host::resource {

namespace {
using contract::index_path;
using contract::key_path;
using contract::Violations;

constexpr std::string_view kNameRule =
    "must be 1 to 63 lower-case letters, digits and dashes, with no dash at either end";

void check_labels(const core::v1::Metadata& metadata, Violations& violations) {
  if (metadata.labels_size() > static_cast<int>(kMaxLabels))
    violations.add("metadata.labels", "has more than 64 labels");
  for (const auto& [key, value] : labels_of(metadata)) {
    const std::string path = key_path("metadata.labels", key);
    if (!is_label_key(key))
      violations.add(path,
                     "the key must be a name of at most 63 letters, digits, '-', '_', '.', "
                     "perhaps after a DNS name of at most 253 and a slash");
    if (!is_label_value(value)) violations.add(path, "must be at most 63 letters, digits, '-', '_', '.'");
  }
}

void check_annotations(const core::v1::Metadata& metadata, Violations& violations) {
  size_t bytes = 0;
  for (const auto& [key, value] : metadata.annotations()) {
    bytes += key.size() + value.size();
    if (!is_label_key(key))
      violations.add(key_path("metadata.annotations", key), "the key must be like that of a label");
  }
  if (bytes > kMaxAnnotationBytes) violations.add("metadata.annotations", "have more than 64 KiB");
}

void check_finalizers(const core::v1::Metadata& metadata, Violations& violations) {
  const std::string path = "metadata.finalizers";
  if (metadata.finalizers_size() > static_cast<int>(kMaxFinalizers)) violations.add(path, "has more than 16");
  std::set<std::string> seen;
  for (int i = 0; i < metadata.finalizers_size(); ++i) {
    const auto& finalizer = metadata.finalizers(i);
    const bool qualified = finalizer.find('/') != std::string::npos;
    if (!qualified || !is_label_key(finalizer)) {
      violations.add(index_path(path, static_cast<size_t>(i)), "must be like \"shop/robot\"");
    }
    if (!seen.insert(finalizer).second) violations.add(index_path(path, static_cast<size_t>(i)), "is there twice");
  }
}

void check_owners(const core::v1::Metadata& metadata, Violations& violations) {
  const std::string path = "metadata.owners";
  if (metadata.owners_size() > static_cast<int>(kMaxOwners)) violations.add(path, "has more than 16");
  std::set<std::string> seen;
  for (int i = 0; i < metadata.owners_size(); ++i) {
    const auto& owner = metadata.owners(i);
    const std::string owner_path = index_path(path, static_cast<size_t>(i));
    if (owner.kind().empty() || owner.name().empty() || owner.uid().empty()) {
      violations.add(owner_path, "needs kind, name and uid");
    }
    if (!seen.insert(owner.uid()).second) violations.add(owner_path, "is there twice");
  }
}
}  // namespace

Labels labels_of(const core::v1::Metadata& metadata) {
  return {metadata.labels().begin(), metadata.labels().end()};
}

void check_metadata(const core::v1::Metadata& metadata, Violations& violations) {
  if (!contract::is_label(metadata.name())) violations.add("metadata.name", std::string(kNameRule));
  if (!metadata.tenant().empty() && !contract::is_label(metadata.tenant())) {
    violations.add("metadata.tenant", std::string(kNameRule));
  }
  check_labels(metadata, violations);
  check_annotations(metadata, violations);
  check_finalizers(metadata, violations);
  check_owners(metadata, violations);
}

}  // namespace novacron::host::resource
