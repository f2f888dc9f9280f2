// Blobs: bytes by digest, up and down, of any size.
#pragma once

#include <memory>
#include <variant>

#include "host/api/call.h"
#include "host/api/router.h"
#include "host/blob/store.h"
#include "host/resource/store.h"

namespace novacron::host::api {

/// [worker] threads.
///
///   POST   /v1/blobs?digest=…            the whole of it as the body: 201 {"digest","size_bytes","name"}
///   POST   /v1/blobs/uploads/new         starts an upload in pieces: 201 {"id","offset"}
///   PATCH  /v1/blobs/uploads/{id}        one piece, at the header Upload-Offset
///   GET    /v1/blobs/uploads/{id}        how far it is
///   PUT    /v1/blobs/uploads/{id}?digest=…  the end: 201 as above
///   DELETE /v1/blobs/uploads/{id}
///   GET    /v1/blobs/{digest}            the bytes
///
/// A finished upload becomes a Blob object too.
class BlobApi {
 public:
  BlobApi(blob::Store& blobs, resource::Store& resources, const auth::Authorizer& authorizer)
      : blobs_(blobs), resources_(resources), authorizer_(authorizer) {}

  /// Whether the body of such a request is taken piece by piece.
  static bool streams_body(Method method, const Route& route);
  Result<std::unique_ptr<BodySink>> begin(const Call& call, const Route& route);

  Result<Response> download(const Call& call, const BlobRoute& route);
  Result<Response> upload(const Call& call, const UploadRoute& route);

 private:
  class Sink;
  Status authorize(const Call& call, std::string verb) const;
  Result<Response> finish(const Call& call, const std::string& id);
  /// Makes the Blob object of a blob.
  Result<Response> finished(const auth::ContextPtr& context, const blob::Info& info, const std::string& media_type);

  blob::Store& blobs_;
  resource::Store& resources_;
  const auth::Authorizer& authorizer_;
};

}  // namespace novacron::host::api
