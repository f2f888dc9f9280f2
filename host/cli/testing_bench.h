// The CLI against a host that keeps objects in memory, for tests.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "host/base/file.h"
#include "host/cli/object_view.h"
#include "host/cli/testing.h"

namespace novacron::host::cli::testing {

inline constexpr const char* kOne = "/v1/tenants/default/machines/one";
inline const std::string kMachineYaml =
    "kind: test.workshop/Machine\nmetadata:\n  name: one\n  labels: {tier: web}\nspec:\n  wheels: 3\n  output: \"5\"\n";

/// Its controller makes each machine ready at once.
struct Bench {
  Bench() { objects.on_write = make_ready; }
  Outcome operator()(std::vector<std::string> words, const RunOptions& options = {}) {
    return run_cli(folder, host.url(), std::move(words), options);
  }
  nlohmann::json& one() { return objects.objects().at(kOne); }
  bool sent(const std::string& line) const {
    const auto lines = host.lines();
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  }
  std::string file(const std::string& name, const std::string& text) {
    REQUIRE(write_file(folder.path + "/" + name, text, 0600).ok());
    return folder.path + "/" + name;
  }
  /// Gives a machine the status that its spec asks for.
  static void make_ready(nlohmann::json& object);

  Folder folder;
  FakeObjects objects;
  FakeHost host{[this](const FakeRequest& request) { return objects(request); }};
};

}  // namespace novacron::host::cli::testing
