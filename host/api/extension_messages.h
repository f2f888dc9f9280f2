// Requests for routes of plugins, and what plugins answer, as messages of novacron.http.v1. A plugin may send anything:
// what is none of HTTP is INTERNAL "extension.malformed".
#pragma once

#include <string>
#include <vector>

#include "host/api/http.h"
#include "host/api/router.h"
#include "host/plugin/service.h"

namespace novacron::host::api {

/// Without credentials, cookies and what concerns the connection alone.
std::string extension_request(const Request& request, const ExtensionRoute& route);

Result<Response> extension_answer(const std::string& plugin, plugin::Message reply);
/// The answer to who asks for a WebSocket.
Result<Response> extension_connection(const Request& request, const std::string& plugin, plugin::Message reply);

/// The subprotocols that a client offers for its WebSocket, best first.
std::vector<std::string> offered_protocols(const Request& request);

}  // namespace novacron::host::api
