// /ext/{plugin}/…: routes that plugins serve themselves, by the contract novacron.http.v1.
#pragma once

#include "host/api/call.h"
#include "host/api/router.h"
#include "host/plugin/service.h"
#include "host/resource/store.h"

namespace novacron::host::api {

/// [worker] threads.
class ExtensionApi {
 public:
  ExtensionApi(plugin::Caller& caller, resource::Store& resources, const auth::Authorizer& authorizer)
      : caller_(caller), resources_(resources), authorizer_(authorizer) {}

  /// The plugin's answer. NOT_FOUND "http.path" for a plugin that is not installed, UNAVAILABLE "plugin.no-provider"
  /// for one that serves nothing now, INTERNAL "extension.malformed" for an answer that is none.
  Result<Response> handle(const Call& call, const ExtensionRoute& route);

 private:
  Status check_installed(const Call& call, const std::string& plugin);

  plugin::Caller& caller_;
  resource::Store& resources_;
  const auth::Authorizer& authorizer_;
};

}  // namespace novacron::host::api
