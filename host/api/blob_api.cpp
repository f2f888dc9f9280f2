#include "host/api/blob_api.h"

#include <nlohmann/json.hpp>

#include "host/api/problem.h"
#include "host/resource/keys.h"

namespace novacron::host::api {
namespace {

constexpr std::string_view kNewUpload = "new";

/// The name of the Blob object of a digest.
std::string to_text(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Response upload_response(int status, const blob::Upload& upload) {
  auto response = json_response(status, to_text({{"id", upload.id}, {"offset", upload.offset}}));
  response.headers.set("Upload-Offset", std::to_string(upload.offset));
  if (status == 201) response.headers.set("Location", "/v1/blobs/uploads/" + upload.id);
  return response;
}

Result<uint64_t> upload_offset(const Request& request) {
  const auto header = request.headers.get("Upload-Offset");
  const auto parsed = TRY(Query::parse("Upload-Offset=" + std::string(header)));
  if (header.empty())
    return Error{Code::kInvalidArgument, "the header Upload-Offset says where the piece belongs", "blob.offset"};
  return parsed.number("Upload-Offset", 0);
}

}  // namespace

/// Appends what comes to an upload. One that was begun for a single request goes when the request does not end well.
class BlobApi::Sink final : public BodySink {
 public:
  enum class Kind { kWhole, kPiece };
  struct Request {
    auth::ContextPtr context;
    std::string id;
    std::string digest;
    std::string media_type;
  };
  Sink(BlobApi& api, Kind kind, blob::Upload upload, Request request)
      : api_(api), kind_(kind), upload_(std::move(upload)), request_(std::move(request)) {}
  ~Sink() override {
    if (kind_ == Kind::kWhole && !finished_) (void)api_.blobs_.abort(upload_.id);
  }

  Status write(std::string_view chunk) override {
    upload_ = TRY(api_.blobs_.append(upload_.id, upload_.offset, chunk));
    return {};
  }
  Response finish() override {
    if (kind_ == Kind::kPiece) return upload_response(200, upload_);
    auto info = api_.blobs_.finish(upload_.id, request_.digest);
    if (!info.ok()) return problem(info.error(), request_.id);
    finished_ = true;
    auto response = api_.finished(request_.context, *info, request_.media_type);
    return response.ok() ? *std::move(response) : problem(response.error(), request_.id);
  }

 private:
  BlobApi& api_;
  const Kind kind_;
  blob::Upload upload_;
  const Request request_;
  bool finished_ = false;
};

bool BlobApi::streams_body(Method method, const Route& route) {
  if (const auto* collection = std::get_if<CollectionRoute>(&route))
    return method == Method::kPost && collection->segment == "blobs" && collection->tenant.empty();
  return method == Method::kPatch && std::holds_alternative<UploadRoute>(route);
}

Status BlobApi::authorize(const Call& call, std::string verb) const {
  return authorizer_.authorize(*call.context, {std::move(verb), std::string(resource::kBlobKind), "", ""});
}

Result<std::unique_ptr<BodySink>> BlobApi::begin(const Call& call, const Route& route) {
  TRY_STATUS(authorize(call, "create"));
  TRY_STATUS(call.uri.query.only({"digest"}));
  Sink::Request request{call.context, call.request.id, call.uri.query.text("digest"),
                        std::string(call.request.headers.get("Content-Type"))};
  if (!request.digest.empty()) TRY_STATUS(blob::check_digest(request.digest));
  const auto* piece = std::get_if<UploadRoute>(&route);
  if (piece == nullptr) {
    auto upload = TRY(blobs_.begin());
    return std::unique_ptr<BodySink>(new Sink(*this, Sink::Kind::kWhole, std::move(upload), std::move(request)));
  }
  blob::Upload upload{piece->id, TRY(upload_offset(call.request))};
  const auto there = TRY(blobs_.upload(piece->id));
  if (there.offset != upload.offset) {
    return Error{Code::kFailedPrecondition, "the upload stands at " + std::to_string(there.offset), "blob.offset"};
  }
  return std::unique_ptr<BodySink>(new Sink(*this, Sink::Kind::kPiece, std::move(upload), std::move(request)));
}

Result<Response> BlobApi::download(const Call& call, const BlobRoute& route) {
  if (call.request.method != Method::kGet && call.request.method != Method::kHead)
    return method_not_allowed(call.request, "GET, HEAD");
  TRY_STATUS(authorize(call, "get"));
  auto blob = TRY(blobs_.open(route.digest));
  Response response;
  response.headers.set("Content-Type", "application/octet-stream");
  response.headers.set("ETag", "\"" + route.digest + "\"");
  response.headers.set("Cache-Control", "private, max-age=31536000, immutable");
  if (none_match_hits(call.request, route.digest)) {
    response.status = 304;
    return response;
  }
  response.body = FileBody{std::move(blob.fd), blob.info.size_bytes};
  return response;
}

Result<Response> BlobApi::upload(const Call& call, const UploadRoute& route) {
  TRY_STATUS(authorize(call, "create"));
  switch (call.request.method) {
    case Method::kPost:
      if (route.id != kNewUpload) break;
      return upload_response(201, TRY(blobs_.begin()));
    case Method::kGet:
    case Method::kHead:
      return upload_response(200, TRY(blobs_.upload(route.id)));
    case Method::kPut:
      return finish(call, route.id);
    case Method::kDelete: {
      TRY_STATUS(blobs_.abort(route.id));
      Response response;
      response.status = 204;
      return response;
    }
    default:
      break;
  }
  return method_not_allowed(call.request, route.id == kNewUpload ? "POST" : "GET, PATCH, PUT, DELETE");
}

Result<Response> BlobApi::finish(const Call& call, const std::string& id) {
  TRY_STATUS(call.uri.query.only({"digest", "media_type"}));
  const auto digest = call.uri.query.text("digest");
  if (!digest.empty()) TRY_STATUS(blob::check_digest(digest));
  const auto info = TRY(blobs_.finish(id, digest));
  return finished(call.context, info, call.uri.query.text("media_type"));
}

Result<Response> BlobApi::finished(const auth::ContextPtr& context, const blob::Info& info,
                                   const std::string& media_type) {
  const std::string name = resource::blob_name(info.digest);
  nlohmann::ordered_json spec = {{"digest", info.digest}, {"size_bytes", info.size_bytes}};
  if (!media_type.empty()) spec["media_type"] = media_type;
  const auto body = resource::Body::json(to_text({{"metadata", {{"name", name}}}, {"spec", spec}}));
  const auto made = resources_.create(context, {std::string(resource::kBlobKind), "", name}, body);
  if (!made.ok() && made.code() != Code::kAlreadyExists) return made.error();
  auto response =
      json_response(201, to_text({{"digest", info.digest}, {"size_bytes", info.size_bytes}, {"name", name}}));
  response.headers.set("Location", "/v1/blobs/" + info.digest);
  return response;
}

}  // namespace novacron::host::api
