// What the plugin says about itself: in its table, in plugin.json and in its contracts it must be the same.
#include <dlfcn.h>

#include <algorithm>

#include "sdk/validate/stage.h"
#include "sdk/validate/suites/core/core.h"

namespace novacron::validate::core {
namespace {

constexpr const char* kRule =
    "nc_descriptor: static const, and equal to the package's files, which the host reads before dlopen";

void differs(Run& run, std::string what) {
  run.find(Subject::kPackage, std::move(what), kRule,
           "describe it with NOVACRON_PLUGIN_DESCRIPTOR, from the package's own files");
}

void check_text(Run& run, const char* name, nc_str in_library, const std::string& in_file) {
  const std::string text = text_of(in_library);
  if (text != in_file)
    differs(run, std::string("its ") + name + " is \"" + text + "\", in its files \"" + in_file + "\"");
}

void check_manifest(Run& run) {
  const nc_descriptor& descriptor = *run.plugin->descriptor;
  const Manifest& manifest = run.package.manifest();
  for (const std::string& fault : run.package.faults()) differs(run, fault);
  if (!NC_HAS(&descriptor, contracts_sha256)) return differs(run, "its descriptor is cut short");
  check_text(run, "id", descriptor.id, manifest.id);
  check_text(run, "version", descriptor.version, manifest.version);
  check_text(run, "digest of the contracts", descriptor.contracts_sha256, run.package.contracts_sha256());
  if (manifest.abi_major != NC_ABI_MAJOR)
    differs(run, "plugin.json wants ABI major " + std::to_string(manifest.abi_major));
  std::vector<std::string> services;
  for (size_t i = 0; i < descriptor.services_len; ++i) services.push_back(text_of(descriptor.services[i]->name));
  if (services != manifest.services) differs(run, "plugin.json lists other services than the library offers");
}

void check_method(Run& run, const std::string& service, const nc_method& method,
                  const std::vector<MethodShape>& shapes) {
  const std::string name = text_of(method.name);
  const auto known =
      std::find_if(shapes.begin(), shapes.end(), [&](const MethodShape& shape) { return shape.name == name; });
  if (known == shapes.end()) return differs(run, "the contract of " + service + " has no method " + name);
  const bool client = (method.flags & NC_METHOD_CLIENT_STREAM) != 0,
             server = (method.flags & NC_METHOD_SERVER_STREAM) != 0;
  if (client != known->is_client_stream || server != known->is_server_stream) {
    differs(run, service + "/" + name + " streams otherwise than its contract says");
  }
}

void check_contracts(Run& run) {
  const nc_descriptor& descriptor = *run.plugin->descriptor;
  for (size_t i = 0; i < descriptor.services_len; ++i) {
    const nc_service& service = *descriptor.services[i];
    const std::string name = text_of(service.name);
    const auto* const shapes = run.package.methods_of(name);
    if (shapes == nullptr) {
      differs(run, "contracts.binpb has no service " + name);
      continue;
    }
    for (size_t m = 0; m < service.methods_len; ++m) check_method(run, name, *service.methods[m], *shapes);
  }
}

void check_table(Run& run) {
  const nc_plugin& plugin = *run.plugin;
  const auto expect = [&run](bool holds, const char* what, const char* instead) {
    if (!holds) run.find(Subject::kPackage, what, "novacron_plugin_entry_v1: the table is static const", instead);
  };
  expect(plugin.abi_minor <= NC_ABI_MINOR, "its table wants a newer minor of the ABI",
         "accept hosts of an older minor");
  expect(!NC_CAN(&plugin, resume) || NC_CAN(&plugin, quiesce), "it has resume without quiesce", "give both, or none");
  // The loader hands out the same library, so its constructors do not run again.
  void* const library = ::dlopen(run.package.library_path().c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  using Entry = const nc_plugin* (*)(uint32_t, uint32_t);
  const auto entry =
      library == nullptr ? nullptr : reinterpret_cast<Entry>(::dlsym(library, "novacron_plugin_entry_v1"));
  if (entry == nullptr) return;
  const size_t before = threads();
  expect(entry(NC_ABI_MINOR, sizeof(nc_host)) == &plugin, "its entry gives another table each time",
         "return a static const table");
  expect(threads() == before, "its entry starts a thread", "start threads in start()");
  expect(entry(NC_ABI_MINOR + 1, sizeof(nc_host) + 64) == &plugin, "it refuses a host with a newer minor of the ABI",
         "look at the fields that you need with NC_HAS and NC_CAN; newer hosts only have more");
}

}  // namespace

void add_descriptor_tests(std::vector<Test>& tests) {
  const auto add = [&tests](const char* name, const char* summary, void (*run)(Run&)) {
    tests.push_back({name, summary, Test::Needs::kLibrary, {Subject::kPackage}, run});
  };
  add("descriptor.manifest", "The library is what plugin.json says, with the contracts beside it", check_manifest);
  add("descriptor.contracts", "Its methods are those of its contracts", check_contracts);
  add("descriptor.table", "Its entry gives the same table to every host of this ABI", check_table);
}

}  // namespace novacron::validate::core
