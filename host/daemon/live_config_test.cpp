#include "host/daemon/live_config.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/base/file.h"

using namespace novacron::host;
using namespace novacron::host::daemon;

namespace {

struct Fixture {
  ~Fixture() { std::filesystem::remove_all(folder); }
  void write(const std::string& text) { REQUIRE(write_file(file, text, 0600).ok()); }
  LiveConfig live() {
    const ConfigSources sources{.file = file};
    auto loaded = load_config(sources);
    REQUIRE(loaded.ok());
    return {sources, *std::move(loaded)};
  }
  /// Takes over whatever comes, and counts.
  LiveConfig::Apply apply = [this](const Config&) -> Status {
    ++applied;
    return {};
  };

  int applied = 0;
  const std::string folder = [] {
    std::string name = "/tmp/nc-live-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  const std::string file = folder + "/n.toml";
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a layer that is wrong changes nothing, and why is remembered until it is mended") {
  write("[api]\nmax_connections = 5\n");
  LiveConfig settings = live();
  write("[api]\nmax_connections = 6\nlisten = 1\n");
  const auto refused = settings.reload(apply);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().reason == "config.invalid");
  CHECK(applied == 0);
  CHECK(settings.current().api.max_connections == 5);
  CHECK_THAT(settings.describe()["refused"].get<std::string>(), Catch::Contains("n.toml:3"));
  write("[api]\nmax_connections = 6\n");
  CHECK(settings.reload(apply)->changed == std::vector<std::string>{"api.max_connections"});
  CHECK_FALSE(settings.describe().contains("refused"));
}

TEST_CASE_METHOD(Fixture, "what cannot be taken over leaves everything as it was") {
  write("");
  LiveConfig settings = live();
  write("[api]\nmax_connections = 6\n");
  const auto refused = settings.reload([](const Config& next) -> Status {
    CHECK(next.api.max_connections == 6);
    return Error{Code::kFailedPrecondition, "the certificate does not fit", "api.tls"};
  });
  CHECK_FALSE(refused.ok());
  CHECK(settings.current().api.max_connections == 4'000);
  CHECK(settings.describe()["refused"] == "the certificate does not fit");
}

TEST_CASE_METHOD(Fixture, "what waits for a restart is told at each reload, and no more when it is taken back") {
  write("[api]\nlisten = [\"127.0.0.1:1\"]\n");
  LiveConfig settings = live();
  write("[api]\nlisten = [\"127.0.0.1:2\"]\nshutdown_ms = 7\n");
  const auto first = settings.reload(apply);
  REQUIRE(first.ok());
  CHECK(first->changed == std::vector<std::string>{"api.shutdown_ms"});
  CHECK(first->restart_required == std::vector<std::string>{"api.listen"});
  const auto second = settings.reload(apply);
  CHECK(second->changed.empty());
  CHECK(second->restart_required == std::vector<std::string>{"api.listen"});
  CHECK(settings.describe()["restart_required"] == std::vector<std::string>{"api.listen"});
  CHECK(settings.current().api.listen == std::vector<std::string>{"127.0.0.1:1"});
  write("[api]\nlisten = [\"127.0.0.1:1\"]\nshutdown_ms = 7\n");
  CHECK(settings.reload(apply)->restart_required.empty());
}
