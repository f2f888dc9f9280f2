// The services of novacron.core.v1 that the host offers to plugins. Each checks the caller's rights itself, since every
// plugin may call it.
#pragma once

#include <memory>
#include <string>

#include "host/plugin/service.h"

namespace novacron::host {
class TimerQueue;
class WorkerPool;
}  // namespace novacron::host
namespace novacron::host::blob {
class Store;
}
namespace novacron::host::state {
class Engine;
}

namespace novacron::host::resource {

class Actions;
class Store;

/// Resources, with the rights of the whole chain of the call. All arguments outlive the service.
std::unique_ptr<plugin::Service> make_resources_service(Store& store, WorkerPool& pool, TimerQueue& timers);

/// Keys of plugins: "plugin/<id>/…" is the calling plugin's own, other prefixes need its grant's `state`. They are kept
/// apart from the host's own keys.
std::unique_ptr<plugin::Service> make_state_service(state::Engine& engine, WorkerPool& pool, TimerQueue& timers);

/// Claims on uids, held by this node. Needs "claim/" in the calling plugin's grant's `state`.
std::unique_ptr<plugin::Service> make_claims_service(state::Engine& engine, std::string node, std::string incarnation);

/// Blobs for reading. Needs the grant's `blobs`.
std::unique_ptr<plugin::Service> make_blobs_service(blob::Store& blobs);

/// What the plugin that carries an operation out says and asks about it.
std::unique_ptr<plugin::Service> make_operations_service(Actions& actions);

}  // namespace novacron::host::resource
