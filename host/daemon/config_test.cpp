#include "host/daemon/config.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::daemon;

namespace {

std::string refusal(std::string_view text) {
  const auto config = parse_config(text, "n.toml");
  REQUIRE_FALSE(config.ok());
  CHECK(config.error().reason == "config.invalid");
  return config.error().message;
}

}  // namespace

TEST_CASE("an empty file gives the defaults, and a node name that is one") {
  const auto config = parse_config("", "n.toml");
  REQUIRE(config.ok());
  CHECK(config->data_folder == "/var/lib/novacron");
  CHECK_FALSE(config->node_name.empty());
  CHECK(config->api.listen == std::vector<std::string>{"127.0.0.1:8443"});
}

TEST_CASE("for development everything is in one folder, and the fleet has names") {
  Config config = dev_config("/home/me/.novacron-dev", "/opt/novacron/bin/novacrond");
  CHECK(config.data_folder == "/home/me/.novacron-dev/data");
  CHECK(config.api.unix_socket == "/home/me/.novacron-dev/api.sock");
  CHECK(config.api.listen == std::vector<std::string>{"127.0.0.1:0"});
  CHECK(config.plugins.paths == std::vector<std::string>{"/opt/novacron/bin/../lib/novacron/plugins"});
  CHECK(fleet_of(config).empty());
  config.fleet = 2;
  CHECK(fleet_of(config) == std::vector<std::string>{"fleet-1", "fleet-2"});
}

TEST_CASE("every table is read") {
  const auto config = parse_config(R"(
data_folder = "/d"
node_name = "n1"
[api]
listen = ["127.0.0.1:0"]
unix_socket = ""
[plugins]
paths = ["/p", "/q"]
allow_inline = false
create_timeout_ms = 1
start_timeout_ms = 2
stop_timeout_ms = 3
shutdown_ms = 4
[log]
level = "debug"
format = "json"
)",
                                   "n.toml");
  REQUIRE(config.ok());
  CHECK(config->node_name == "n1");
  CHECK(config->api.unix_socket.empty());
  CHECK(config->plugins.paths.size() == 2);
  CHECK_FALSE(config->plugins.allow_inline);
  CHECK(config->plugins.create_timeout_ms == 1);
  CHECK(config->plugins.start_timeout_ms == 2);
  CHECK(config->plugins.stop_timeout_ms == 3);
  CHECK(config->plugins.shutdown_ms == 4);
  CHECK(config->log.level == LogLevel::kDebug);
}

TEST_CASE("what is wrong is named with its line and what may stand there") {
  CHECK(refusal("\n\ncolour = 1") == "n.toml:3: colour is no setting; there are data_folder, node_name");
  CHECK(refusal("[log]\nlevel = \"loud\"") ==
        "n.toml:2: log.level must be one of \"debug\", \"error\", \"info\", \"warn\"");
  CHECK(refusal("[api]\nmax_connections = 0") ==
        "n.toml:2: api.max_connections must be a whole number from 1 to 1000000");
  CHECK(refusal("api = 1") == "n.toml:1: api must be a table: [api]");
  CHECK(refusal("[api]\nlisten = \"x\"") == "n.toml:2: api.listen must be a list of texts: [\"…\"]");
  CHECK(refusal("data_folder = \"relative\"") == "n.toml: data_folder must be an absolute path");
  CHECK(refusal("node_name = \"Not a name\"").find("lower-case") != std::string::npos);
  CHECK(refusal("[[[").find("n.toml:1:") == 0);
}

TEST_CASE("traces are off unless there is an endpoint, and what is wrong with them is told without their secrets") {
  CHECK(parse_config("", "n.toml")->traces.endpoint.empty());
  const auto config = parse_config(R"(
[traces]
endpoint = "https://collector"
ratio = 0.25
headers = { authorization = "Bearer x", x-key = "y" }
ca = "/ca.pem"
)",
                                   "n.toml");
  REQUIRE(config.ok());
  CHECK(config->traces.endpoint == "https://collector");
  CHECK(config->traces.ratio == 0.25);
  CHECK(config->traces.headers.size() == 2);
  CHECK(config->traces.ca == "/ca.pem");
  CHECK(parse_config("[traces]\nratio = 1", "n.toml")->traces.ratio == 1);
  CHECK(refusal("[traces]\nratio = 1.5") == "n.toml:2: traces.ratio must be a number from 0 to 1");
  CHECK_THAT(refusal("[traces]\nratio = \"1\""), Catch::Contains("traces.ratio"));
  CHECK_THAT(refusal("[traces]\nendpoint = \"collector:4318\""), Catch::Contains("traces.endpoint must be a URL"));
  for (const char* headers : {"{ host = \"secret\" }", "{ \"a b\" = \"secret\" }", "{ a = \"secret\\n\" }",
                              "\"secret\"", "{ a = [\"secret\"] }"}) {
    const std::string told = refusal("[traces]\nheaders = " + std::string(headers));
    CHECK_THAT(told, Catch::StartsWith("n.toml:2: traces.headers") && !Catch::Contains("secret"));
  }
}
