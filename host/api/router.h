// What a path of the API means.
#pragma once

#include <functional>
#include <string>
#include <variant>

#include "host/api/uri.h"
#include "host/base/result.h"

namespace novacron::host::api {

/// The parts of the API that are not resources.
enum class Endpoint {
  kHealth,   ///< /healthz
  kReady,    ///< /readyz
  kVersion,  ///< /version
  kOpenApi,  ///< /openapi.json
  kWhoAmI,   ///< /v1/whoami
  kToken,    ///< /v1/auth/token
  kSchema,   ///< /v1/schema
  kKinds,    ///< /v1/kinds
  kEvents,   ///< /v1/events
  kMetrics,  ///< /metrics
  kConfig,   ///< /v1/config
  kReload,   ///< /v1/config:reload
  kLog,      ///< /v1/log
  kLogTail,  ///< /v1/log/lines
};

/// /v1/{segment} or /v1/tenants/{tenant}/{segment}. `segment` is a kind's plural, or "plural.group".
struct CollectionRoute {
  std::string tenant;  ///< empty: none was given
  std::string segment;
};

/// …/{name}
struct ObjectRoute {
  std::string tenant;
  std::string segment;
  std::string name;
};

/// …/{name}:{verb}
struct VerbRoute {
  std::string tenant;
  std::string segment;
  std::string name;
  std::string verb;
};

/// /v1/{segment}:{verb} or /v1/tenants/{tenant}/{segment}:{verb}: a verb of many.
struct CollectionVerbRoute {
  std::string tenant;
  std::string segment;
  std::string verb;
};

/// /v1/blobs/sha256:{hex}, where the bytes are.
struct BlobRoute {
  std::string digest;
};

/// /v1/blobs/uploads/{id}
struct UploadRoute {
  std::string id;
};

/// /ext/{plugin}/…, which the plugin serves.
struct ExtensionRoute {
  std::string plugin;
  std::string path;  ///< behind it, as sent: "/…"
};

using Route = std::variant<Endpoint, CollectionRoute, CollectionVerbRoute, ObjectRoute, VerbRoute, BlobRoute,
                           UploadRoute, ExtensionRoute>;

/// NOT_FOUND "http.path".
Result<Route> route_of(const Uri& uri);

/// What all requests to the same place have in common, for statistics: "/v1/tenants/{tenant}/robots/{name}". Kinds that
/// `is_kind` does not know, and verbs, which anybody may make up, are "{kind}" and "{verb}".
std::string describe(const Route& route, const Uri& uri, const std::function<bool(const std::string&)>& is_kind);

}  // namespace novacron::host::api
