// REST over resources: the same for every kind.
#pragma once

#include "host/api/call.h"
#include "host/api/router.h"
#include "host/resource/actions.h"
#include "host/resource/store.h"

namespace novacron::host::api {

/// [worker] threads.
///
///   GET    collection            list: label_selector, limit, page_token, at; watch=true: after_revision
///   POST   collection            create: 201, Location
///   GET    object                ETag, If-None-Match; at
///   PUT    object                replace
///   PATCH  object                JSON merge patch
///   DELETE object
///   POST   object:verb           200; 202 and an Operation when it takes longer; WebSocket for a stream
///   GET    object:verb           the same for a verb that only reads
///
/// Writes take If-Match, Idempotency-Key and dry_run=true.
class ResourceApi {
 public:
  ResourceApi(resource::Store& store, resource::Actions& actions) : store_(store), actions_(actions) {}

  Result<Response> collection(const Call& call, const CollectionRoute& route);
  Result<Response> object(const Call& call, const ObjectRoute& route);
  Result<Response> verb(const Call& call, const VerbRoute& route);

 private:
  struct Place;
  Result<Place> place_of(const std::string& tenant, const std::string& segment) const;
  Result<Response> list(const Call& call, const Place& place);
  Result<Response> watch(const Call& call, const Place& place);
  Result<Response> create(const Call& call, const Place& place);
  Result<Response> get(const Call& call, const resource::ObjectRef& ref);
  Result<Response> write(const Call& call, const resource::ObjectRef& ref);

  resource::Store& store_;
  resource::Actions& actions_;
};

}  // namespace novacron::host::api
