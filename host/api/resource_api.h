// REST over resources: the same for every kind.
#pragma once

#include "host/api/call.h"
#include "host/api/router.h"
#include "host/api/watch_channels.h"
#include "host/resource/actions.h"
#include "host/resource/store.h"

namespace novacron::host::api {

/// [worker] threads.
///
///   GET    collection            list: label_selector, field_selector, order_by, limit, page_token, at, fields;
///                                watch=true: label_selector, field_selector, after_revision
///   POST   collection            create: 201, Location
///   DELETE collection            a page of it: label_selector, field_selector or all=true; limit, page_token
///   GET    object                ETag, If-None-Match; at, fields
///   PUT    object                replace; update_mask
///   PATCH  object                by its Content-Type: JSON merge patch, JSON patch, or apply: field_manager, force
///   DELETE object
///   POST   object:verb           200; 202 and an Operation when it takes longer; WebSocket for a stream
///   GET    object:verb           the same for a verb that only reads
///   PATCH  collection            a page of it, as DELETE chooses it; each object by itself
///   POST   collection:verb       likewise
///
/// All take version: the names of that version of the kind. Writes take If-Match, Idempotency-Key and dry_run=true.
class ResourceApi {
 public:
  ResourceApi(resource::Store& store, resource::Actions& actions, WorkerPool& pool)
      : store_(store), actions_(actions), watches_(store, pool) {}

  Result<Response> collection(const Call& call, const CollectionRoute& route);
  Result<Response> object(const Call& call, const ObjectRoute& route);
  Result<Response> verb(const Call& call, const VerbRoute& route);
  Result<Response> collection_verb(const Call& call, const CollectionVerbRoute& route);

 private:
  /// The kind that a path speaks of, with the schema that holds it.
  struct Place {
    std::shared_ptr<const contract::Schema> schema;
    const contract::Kind* kind = nullptr;
    std::string tenant;
  };
  Result<Place> place_of(const std::string& tenant, const std::string& segment) const;
  void show(resource::ObjectView& object, const Call& call);
  Result<Response> list(const Call& call, const Place& place);
  Result<Response> watch(const Call& call, const Place& place);
  Result<Response> create(const Call& call, const Place& place);
  Result<Response> remove_many(const Call& call, const Place& place);
  Result<Response> patch_many(const Call& call, const Place& place);
  Status check_many(const Call& call, const Place& place) const;
  template <class ChangeOne>
  Result<Response> change_many(const Call& call, const Place& place, std::string_view verb, const ChangeOne& change);
  Result<Response> get(const Call& call, const contract::Kind& kind, const resource::ObjectRef& ref);
  Result<Response> write(const Call& call, const resource::ObjectRef& ref);
  /// The task log tells of it, unless it was a dry run, or no fault of the caller's.
  void note_refusal(const Call& call, std::string_view verb, const resource::ObjectRef& ref, const Error& why);
  Result<Response> noted(const Call& call, std::string_view verb, const resource::ObjectRef& ref,
                         Result<Response> answer);
  Result<resource::WriteResult> change(const Call& call, const resource::ObjectRef& ref,
                                       const resource::WriteOptions& options);
  /// By the request's Content-Type.
  Result<resource::WriteResult> patch(const Call& call, const resource::ObjectRef& ref,
                                      const resource::WriteOptions& options);

  resource::Store& store_;
  resource::Actions& actions_;
  WatchChannels watches_;
};

}  // namespace novacron::host::api
