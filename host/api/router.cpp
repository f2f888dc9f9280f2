#include "host/api/router.h"

#include <algorithm>
#include <array>

namespace novacron::host::api {
namespace {

constexpr std::array<std::pair<std::string_view, Endpoint>, 14> kEndpoints = {{{"/healthz", Endpoint::kHealth},
                                                                               {"/readyz", Endpoint::kReady},
                                                                               {"/version", Endpoint::kVersion},
                                                                               {"/openapi.json", Endpoint::kOpenApi},
                                                                               {"/v1/whoami", Endpoint::kWhoAmI},
                                                                               {"/v1/auth/token", Endpoint::kToken},
                                                                               {"/v1/schema", Endpoint::kSchema},
                                                                               {"/v1/kinds", Endpoint::kKinds},
                                                                               {"/v1/events", Endpoint::kEvents},
                                                                               {"/metrics", Endpoint::kMetrics},
                                                                               {"/v1/config", Endpoint::kConfig},
                                                                               {"/v1/config:reload", Endpoint::kReload},
                                                                               {"/v1/log", Endpoint::kLog},
                                                                               {"/v1/log/lines", Endpoint::kLogTail}}};

constexpr std::string_view kExtensions = "ext";
constexpr std::string_view kTenants = "tenants";
constexpr std::string_view kBlobs = "blobs";
constexpr std::string_view kUploads = "uploads";
constexpr std::string_view kDigestPrefix = "sha256:";

Error no_such_path(const Uri& uri) {
  return {Code::kNotFound, "there is nothing at " + uri.path + "; /openapi.json lists what there is", "http.path"};
}

Route collection_route(std::string tenant, const std::string& last) {
  const size_t colon = last.find(':');
  if (colon == std::string::npos) return CollectionRoute{std::move(tenant), last};
  return CollectionVerbRoute{std::move(tenant), last.substr(0, colon), last.substr(colon + 1)};
}

Route object_route(std::string tenant, const std::string& segment, const std::string& last) {
  const size_t colon = last.find(':');
  if (colon == std::string::npos) return ObjectRoute{std::move(tenant), segment, last};
  return VerbRoute{std::move(tenant), segment, last.substr(0, colon), last.substr(colon + 1)};
}

Result<Route> blob_route(const Uri& uri) {
  const auto& parts = uri.segments;
  if (parts.size() == 3 && parts[2].starts_with(kDigestPrefix)) return Route(BlobRoute{parts[2]});
  if (parts.size() == 4 && parts[2] == kUploads) return Route(UploadRoute{parts[3]});
  if (parts.size() == 3) return object_route("", parts[1], parts[2]);
  return no_such_path(uri);
}

Route extension_route(const Uri& uri) {
  const size_t end_of_plugin = uri.path.find('/', kExtensions.size() + 2);
  return ExtensionRoute{uri.segments[1], end_of_plugin == std::string::npos ? "/" : uri.path.substr(end_of_plugin)};
}

}  // namespace

Result<Route> route_of(const Uri& uri) {
  const auto found = std::find_if(kEndpoints.begin(), kEndpoints.end(),
                                  [&](const auto& endpoint) { return endpoint.first == uri.path; });
  if (found != kEndpoints.end()) return Route(found->second);
  const auto& parts = uri.segments;
  if (parts.size() >= 2 && parts[0] == kExtensions) return extension_route(uri);
  if (parts.size() < 2 || parts[0] != "v1") return no_such_path(uri);
  if (parts.size() == 2) return collection_route("", parts[1]);
  if (parts[1] == kBlobs) return blob_route(uri);
  if (parts.size() == 3) return object_route("", parts[1], parts[2]);
  if (parts[1] != kTenants) return no_such_path(uri);
  if (parts.size() == 4) return collection_route(parts[2], parts[3]);
  if (parts.size() == 5) return object_route(parts[2], parts[3], parts[4]);
  return no_such_path(uri);
}

std::string describe(const Route& route, const Uri& uri, const std::function<bool(const std::string&)>& is_kind) {
  const auto place = [&](const auto& at) {
    return (at.tenant.empty() ? "/v1/" : "/v1/tenants/{tenant}/") + (is_kind(at.segment) ? at.segment : "{kind}");
  };
  if (const auto* at = std::get_if<CollectionRoute>(&route)) return place(*at);
  if (const auto* at = std::get_if<CollectionVerbRoute>(&route)) return place(*at) + ":{verb}";
  if (const auto* at = std::get_if<ObjectRoute>(&route)) return place(*at) + "/{name}";
  if (const auto* at = std::get_if<VerbRoute>(&route)) return place(*at) + "/{name}:{verb}";
  if (std::holds_alternative<BlobRoute>(route)) return "/v1/blobs/{digest}";
  if (std::holds_alternative<UploadRoute>(route)) return "/v1/blobs/uploads/{id}";
  if (std::holds_alternative<ExtensionRoute>(route)) return "/ext/{plugin}";
  return uri.path;
}

}  // namespace novacron::host::api
