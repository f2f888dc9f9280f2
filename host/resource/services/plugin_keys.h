// The keys that a plugin may use, and where they really are.
#pragma once

#include <string>
#include <string_view>

#include "host/resource/services/method_table.h"
#include "host/state/engine.h"

namespace novacron::host::resource {

/// The range of the engine's keys behind a plugin's [begin, end) (`end` empty: one key; a zero byte: all from `begin`
/// on). PERMISSION_DENIED "auth.denied" unless all of it lies under one prefix that the calling plugin has.
Result<state::KeyRange> plugin_range(const plugin::ServerCall& call, const std::string& begin, const std::string& end);
/// The engine's key behind one key of the plugin.
Result<std::string> plugin_key(const plugin::ServerCall& call, const std::string& key);
/// The plugin's name of an engine's key.
std::string_view name_of_key(std::string_view engine_key);

}  // namespace novacron::host::resource
