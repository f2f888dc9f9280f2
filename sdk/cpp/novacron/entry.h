// The one line of ABI code in a plugin: NOVACRON_PLUGIN(MyPlugin), in its entry.cpp.
#pragma once

// Written from plugin.json by novacron_add_plugin().
#include "novacron_plugin_manifest.h"

#include "novacron/instance.h"

/// Exports the plugin. Everything is constant data; the entry allocates nothing and starts nothing.
#define NOVACRON_PLUGIN(PluginClass)                                                                              \
  namespace {                                                                                                     \
  using NovacronPluginServices = ::novacron::Instance<PluginClass>::Table;                                        \
  constinit const nc_descriptor novacron_plugin_descriptor = NOVACRON_PLUGIN_DESCRIPTOR(                          \
      PluginClass::kFlags, NovacronPluginServices::kDescriptors.data(), NovacronPluginServices::kCount);          \
  constinit const nc_plugin novacron_plugin = ::novacron::plugin_table<PluginClass>(&novacron_plugin_descriptor); \
  }                                                                                                               \
  extern "C" const nc_plugin* novacron_plugin_entry_v1(uint32_t, uint32_t) noexcept {                             \
    return &novacron_plugin;                                                                                      \
  }                                                                                                               \
  static_assert(NC_ABI_MAJOR == 1, "the entry's name carries the major version")
