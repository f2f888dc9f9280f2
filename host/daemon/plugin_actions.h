// The service novacron.core.v1.PluginActions: upgrades and moves of plugins as operations. Each writes the object's
// spec, which the controller of plugins follows, and says how far that is.
#pragma once

#include <memory>

#include "host/plugin/service.h"

namespace novacron::host::plugin {
class Manager;
}
namespace novacron::host::resource {
class Actions;
class Store;
}  // namespace novacron::host::resource

namespace novacron::host::daemon {

class PluginController;

/// All outlive the service.
struct PluginActionParts {
  resource::Store& store;
  resource::Actions& actions;
  plugin::Manager& manager;
  PluginController& controller;
};

std::unique_ptr<plugin::Service> make_plugin_actions(const PluginActionParts& parts);

}  // namespace novacron::host::daemon
