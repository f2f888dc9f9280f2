// This machine as a Node object.
#pragma once

#include <string>

#include "host/auth/context.h"
#include "host/resource/store.h"

namespace novacron::host::daemon {

struct NodeFacts {
  std::string name;
  std::string incarnation;  ///< new at each start of the host
  std::string address;      ///< of the API
  bool is_played = false;   ///< by this host, for development: the label "novacron.dev/fleet" says so
};

/// Makes the object if it is not there, and writes its status: ready, with these facts and the machine's own.
Status publish_node(resource::Store& store, const auth::ContextPtr& context, const NodeFacts& facts);

}  // namespace novacron::host::daemon
