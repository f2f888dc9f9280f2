// A plugin's life and rights, between the host's own structs and the messages of novacron.core.v1.
#pragma once

#include <memory>
#include <string>

#include "host/contract/types.h"
#include "host/plugin/lifecycle.h"

namespace novacron::core::v1 {
class Permissions;
class PluginStatus;
class PluginUpgrade;
}  // namespace novacron::core::v1

namespace novacron::host::daemon {

plugin::Permissions permissions_of(const std::string& plugin, const core::v1::Permissions& permissions);
std::shared_ptr<const auth::Grant> grant_of(const std::string& plugin, const core::v1::Permissions& permissions);

/// What the plugin is. Leaves observed_generation alone.
void describe(const plugin::PluginInfo& info, core::v1::PluginStatus& status);
/// What is wrong with it though it runs. Leaves the rest alone.
void describe_troubles(const plugin::PluginInfo& info, core::v1::PluginStatus& status);
plugin::Upgrade upgrade_of(const core::v1::PluginUpgrade& upgrade);
void describe(const plugin::Upgrade& upgrade, core::v1::PluginUpgrade& out);
/// Why the spec could not be followed: state FAILED, unless the plugin itself has a worse one, with its own reason.
void describe(const Error& failure, core::v1::PluginStatus& status);

/// "enabled": the last token of the event that tells of a state, a number of novacron.core.v1.PluginStatus.State.
std::string subject_token(int state);

/// The configuration as bytes, with defaults, checked against the rules of its fields.
Result<std::string> encode_config(const contract::MessageType& type, const std::string& json);

}  // namespace novacron::host::daemon
