// Resources with typed parts: novacron.core.v1.Resources for one kind.
#pragma once

#include <compare>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "novacron/core/v1/resource.nc.h"
#include "novacron/host.h"
#include "novacron/well_known.h"

namespace novacron {

/// A message that a contract makes a kind: VirtualMachine.
template <class K>
concept ResourceKind = Message<K> && requires {
  { K::kKind } -> std::convertible_to<std::string_view>;
  typename K::Spec;
};

template <class K>
struct StatusOf {
  using Type = Empty;
};
template <class K>
requires requires {
  typename K::Status;
}
struct StatusOf<K> {
  using Type = typename K::Status;
};

/// Names an object among those of its kind. The tenant is empty where the kind belongs to the host.
struct ResourceKey {
  std::string tenant = {};
  std::string name = {};

  auto operator<=>(const ResourceKey&) const = default;
};
/// "default/web1", or "node1".
std::string to_string(const ResourceKey& key);
ResourceKey key_of(const core::v1::Metadata& metadata);

template <ResourceKind K>
struct Resource {
  core::v1::Metadata metadata = {};
  typename K::Spec spec = {};
  typename StatusOf<K>::Type status = {};
  uint64_t spec_revision = 0;    ///< of the last change of metadata or spec
  uint64_t status_revision = 0;  ///< of the last change of status; 0: never written

  bool is_deleted() const { return metadata.deleted_at.has_value(); }
};

/// INVALID_ARGUMENT when a part is no message of the kind.
template <ResourceKind K>
Result<Resource<K>> resource_of(const core::v1::Object& object) {
  Resource<K> out;
  if (object.metadata) out.metadata = *object.metadata;
  out.spec = NC_TRY(decode<typename K::Spec>(object.spec));
  out.status = NC_TRY(decode<typename StatusOf<K>::Type>(object.status));
  out.spec_revision = object.spec_revision;
  out.status_revision = object.status_revision;
  return out;
}

template <ResourceKind K>
core::v1::Object object_of(const Resource<K>& resource) {
  return {.kind = std::string(K::kKind),
          .metadata = resource.metadata,
          .spec = encode(resource.spec),
          .status = encode(resource.status),
          .spec_revision = resource.spec_revision,
          .status_revision = resource.status_revision};
}

/// The revisions that this plugin wrote last, by key: a reconciler waits until its cache has them. [any] thread.
class WriteLog {
 public:
  /// More keys than this are not remembered one by one.
  static constexpr size_t kMaxKeys = 16'384;

  void note(const ResourceKey& key, uint64_t revision);
  /// 0: nothing that `seen_revision` does not have already.
  uint64_t last(const ResourceKey& key) const;
  /// The cache has reached this revision: what is not newer is forgotten.
  void forget(uint64_t seen_revision);

 private:
  mutable std::mutex mutex_;
  std::map<ResourceKey, uint64_t> last_;
  uint64_t floor_ = 0;  // of all keys, where there were too many
};

template <ResourceKind K>
struct ResourceList {
  std::vector<Resource<K>> items;
  uint64_t revision = 0;  ///< the list is as of this revision: watch after it
};

struct ListOptions {
  std::string tenant = {};          ///< empty: all that the caller may see
  std::string label_selector = {};  ///< "app=web,tier!=db,env in (a,b),!old"
};

/// Every page of a list, as one reply. Pages are made smaller where objects are too large for one message.
Result<core::v1::ListReply> list_all(const core::v1::ResourcesClient& client, core::v1::ListRequest request,
                                     uint64_t timeout_ns = 0, nc_context context = 0);

/// One kind. The writes that race with another's end with ABORTED "resource.conflict": read again, and decide again.
template <ResourceKind K>
class ResourceClient {
 public:
  explicit ResourceClient(const Host& host, WriteLog* log = nullptr) : client_(host), log_(log) {}

  Result<Resource<K>> get(const ResourceKey& key, CallOptions options = {}) const {
    return typed(client_.get({.ref = ref(key)}, std::move(options)));
  }

  /// All pages.
  Result<ResourceList<K>> list(const ListOptions& wanted = {}, nc_context context = 0) const {
    const auto all = NC_TRY(list_all(
        client_, {.kind = std::string(K::kKind), .tenant = wanted.tenant, .label_selector = wanted.label_selector}, 0,
        context));
    ResourceList<K> out{.items = {}, .revision = all.revision};
    for (const auto& object : all.objects) out.items.push_back(NC_TRY(resource_of<K>(object)));
    return out;
  }

  Result<Resource<K>> create(const Resource<K>& resource, CallOptions options = {}) const {
    return written(client_.create({.object = object_of(resource)}, std::move(options)));
  }
  /// Metadata and spec, if nobody has changed them since `resource` was read.
  Result<Resource<K>> update_spec(const Resource<K>& resource, CallOptions options = {}) const {
    return written(client_.update_spec(
        {.object = object_of(resource), .expected_spec_revision = resource.spec_revision}, std::move(options)));
  }
  /// The status, if nobody has changed it since `resource` was read.
  Result<Resource<K>> update_status(const Resource<K>& resource, CallOptions options = {}) const {
    return written(client_.update_status({.ref = ref(key_of(resource.metadata), resource.metadata.uid),
                                          .status = encode(resource.status),
                                          .expected_status_revision = resource.status_revision},
                                         std::move(options)));
  }
  Result<Resource<K>> add_finalizer(const Resource<K>& resource, const std::string& finalizer,
                                    CallOptions options = {}) const {
    return written(client_.update_finalizers(
        {.ref = ref(key_of(resource.metadata), resource.metadata.uid), .add = {finalizer}}, std::move(options)));
  }
  /// The object is gone when it was the last finalizer of a deleted one.
  Result<Resource<K>> remove_finalizer(const Resource<K>& resource, const std::string& finalizer,
                                       CallOptions options = {}) const {
    return written(client_.update_finalizers(
        {.ref = ref(key_of(resource.metadata), resource.metadata.uid), .remove = {finalizer}}, std::move(options)));
  }
  Status remove(const ResourceKey& key, CallOptions options = {}) const {
    auto gone = client_.delete_({.ref = ref(key)}, std::move(options));
    if (!gone.ok()) return std::move(gone).error();
    return {};
  }

 private:
  static core::v1::ObjectRef ref(const ResourceKey& key, const std::string& uid = {}) {
    return {.kind = std::string(K::kKind), .tenant = key.tenant, .name = key.name, .uid = uid};
  }
  static Result<Resource<K>> typed(Result<core::v1::Object> object) {
    if (!object.ok()) return std::move(object).error();
    return resource_of<K>(*object);
  }
  Result<Resource<K>> written(Result<core::v1::Object> object) const {
    auto resource = typed(std::move(object));
    if (resource.ok() && log_ != nullptr) log_->note(key_of(resource->metadata), resource->metadata.revision);
    return resource;
  }

  core::v1::ResourcesClient client_;
  WriteLog* log_;
};

}  // namespace novacron
