#include "host/sandbox/cgroup.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "host/base/file.h"

using namespace novacron::host;
using namespace novacron::host::sandbox;

namespace {

namespace fs = std::filesystem;

/// A folder that looks like the kernel's, as far as what is written there.
struct FakeKernel {
  FakeKernel() {
    std::string pattern = (fs::temp_directory_path() / "novacron-cgroup-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    root = pattern;
  }
  ~FakeKernel() { fs::remove_all(root); }
  void file(const std::string& path, const std::string& text = "") const {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  }
  fs::path root;
};

const std::string kVersion1 = "9:memory:/a/b\n7:cpu,cpuacct:/a\n3:pids:/\n1:name=systemd:/x\n0::/y\n";

}  // namespace

TEST_CASE("version 1: each controller has a folder of its own") {
  FakeKernel kernel;
  for (const char* folder : {"memory/a/b", "cpu/a", "pids"}) fs::create_directories(kernel.root / folder);
  const auto roots = find_cgroups(kernel.root.string(), kVersion1);
  REQUIRE(roots);
  CHECK_FALSE(roots->unified);
  CHECK(roots->memory == (kernel.root / "memory/a/b").string());
  CHECK(roots->cpu == (kernel.root / "cpu/a").string());
  CHECK(roots->pids == (kernel.root / "pids").string());
}

TEST_CASE("version 2: one folder, whose controllers are passed on") {
  FakeKernel kernel;
  kernel.file("novacrond/cgroup.controllers", "cpuset cpu io memory pids\n");
  kernel.file("novacrond/cgroup.subtree_control");
  const auto roots = find_cgroups(kernel.root.string(), "0::/novacrond\n");
  REQUIRE(roots);
  CHECK(roots->unified);
  CHECK(roots->memory == (kernel.root / "novacrond").string());
  CHECK(*read_file((kernel.root / "novacrond/cgroup.subtree_control").string(), 100) == "+memory +pids +cpu");
}

TEST_CASE("without the controllers there are no limits to be had") {
  FakeKernel kernel;
  kernel.file("novacrond/cgroup.controllers", "io\n");
  CHECK_FALSE(find_cgroups(kernel.root.string(), "0::/novacrond\n"));
  CHECK_FALSE(find_cgroups(kernel.root.string(), kVersion1));
  CHECK_FALSE(find_cgroups(kernel.root.string(), "what is this"));
  CHECK_FALSE(find_cgroups(kernel.root.string(), ""));
}

TEST_CASE("a group that cannot be made says which file is the trouble") {
  FakeKernel kernel;
  const std::string root = kernel.root.string();
  const auto made = Cgroup::make({false, root, root, root}, "p-1", {1, 1, 1});
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().message.find("memory.limit_in_bytes") != std::string::npos);
}
