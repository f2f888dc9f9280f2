// /ext/{plugin}/…: routes that plugins serve themselves, by the contract novacron.http.v1.
#pragma once

#include <memory>

#include "host/api/call.h"
#include "host/api/router.h"
#include "host/plugin/service.h"
#include "host/resource/store.h"

namespace novacron::host::api {

/// [worker] threads, unless said otherwise.
class ExtensionApi {
 public:
  ExtensionApi(plugin::Caller& caller, resource::Store& resources, const auth::Authorizer& authorizer)
      : caller_(caller), resources_(resources), authorizer_(authorizer) {}

  /// The plugin's answer. NOT_FOUND "http.path" for a plugin that is not installed, UNAVAILABLE "plugin.no-provider"
  /// for one that serves nothing now, INTERNAL "extension.malformed" for an answer that is none.
  Result<Response> handle(const Call& call, const ExtensionRoute& route);

  /// Whether the plugin gets such a request as a stream when its body is a large one.
  static bool pipes_body(const Request& head);
  /// The same as handle(), the body to follow.
  Result<std::shared_ptr<BodyPipe>> pipe(const Call& call, const ExtensionRoute& route);

 private:
  Status authorize(const Call& call, const std::string& plugin);
  Status check_installed(const Call& call, const std::string& plugin);

  plugin::Caller& caller_;
  resource::Store& resources_;
  const auth::Authorizer& authorizer_;
};

}  // namespace novacron::host::api
