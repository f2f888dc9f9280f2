#include "host/daemon/config.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/base/file.h"
#include "host/daemon/config_report.h"

using namespace novacron::host;
using namespace novacron::host::daemon;

namespace {

std::string refusal(std::string_view text) {
  const auto config = parse_config(text, "n.toml");
  REQUIRE_FALSE(config.ok());
  CHECK(config.error().reason == "config.invalid");
  return config.error().message;
}

/// A file with drop-ins in a folder of its own.
struct Files {
  Files() { std::filesystem::create_directories(file + ".d"); }
  ~Files() { std::filesystem::remove_all(folder); }
  void write(const std::string& name, const std::string& text) {
    REQUIRE(write_file(folder + "/" + name, text, 0600).ok());
  }
  Result<LoadedConfig> load(std::vector<std::string> environment = {}) {
    return load_config({.file = file, .environment = std::move(environment)});
  }
  std::string refusal(std::vector<std::string> environment = {}) {
    const auto loaded = load(std::move(environment));
    REQUIRE_FALSE(loaded.ok());
    return loaded.error().message;
  }

  const std::string folder = [] {
    std::string name = "/tmp/nc-config-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  const std::string file = folder + "/n.toml";
};

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
[operations]
keep_s = 60
max_kept = 5
keep_tasks_s = 120
max_tasks = 6
[log]
level = "debug"
format = "json"
)",
                                   "n.toml");
  REQUIRE(config.ok());
  CHECK(config->node_name == "n1");
  CHECK(config->api.unix_socket.empty());
  CHECK(config->plugins.paths.size() == 2);
  CHECK(config->operations.keep_s == 60);
  CHECK(config->operations.max_kept == 5);
  CHECK(config->operations.keep_tasks_s == 120);
  CHECK(config->operations.max_tasks == 6);
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
  CHECK(refusal("data_folder = \"relative\"") == "n.toml:1: data_folder must be an absolute path");
  CHECK(refusal("node_name = \"Not a name\"").find("lower-case") != std::string::npos);
  CHECK(refusal("[[[").find("n.toml:1:") == 0);
  CHECK(refusal("\n[&").find("n.toml:2:") == 0);
  CHECK(refusal(std::string_view("\n[\0", 3)).find("n.toml:2:") == 0);
}

TEST_CASE("levels by subject are read from a table, and only levels are taken") {
  const auto config = parse_config("[log]\nlevels = {plugin = \"debug\", \"plugin.a-b\" = \"warn\"}", "n.toml");
  REQUIRE(config.ok());
  CHECK(config->log.levels.size() == 2);
  CHECK(config->log.levels.at("plugin.a-b") == LogLevel::kWarn);
  CHECK(parse_config("[log.levels]\napi = \"error\"", "n.toml")->log.levels.at("api") == LogLevel::kError);
  const std::string wanted = " log.levels must be levels by subject: {api = \"warn\", plugin = \"debug\"}, at most 64";
  CHECK(refusal("[log]\nlevels = {api = \"loud\"}") == "n.toml:2:" + wanted);
  CHECK(refusal("[log]\nlevels = {\"Not one\" = \"info\"}") == "n.toml:2:" + wanted);
  CHECK(refusal("[log]\nlevels = 1") == "n.toml:2:" + wanted);
}

TEST_CASE_METHOD(Files, "each layer goes over the one before, and every value knows its place") {
  write("n.toml", "node_name = \"n1\"\n[api]\nnames = [\"a\"]\nmax_connections = 10\n");
  write("n.toml.d/20-b.toml", "[api]\nmax_connections = 30\n");
  write("n.toml.d/10-a.toml", "\n[api]\nmax_connections = 20\nshutdown_ms = 5\n");
  write("n.toml.d/note.txt", "not read");
  const auto loaded = load({"HOME=/root", "NOVACROND__LOG__LEVEL=debug", "NOVACROND__API__NAMES=[\"b\", \"c\"]",
                            "NOVACROND__DATA_FOLDER=/d", "NOVACROND__PLUGINS__ALLOW_INLINE=false"});
  REQUIRE(loaded.ok());
  const Config& config = loaded->config;
  CHECK(config.node_name == "n1");
  CHECK(config.api.max_connections == 30);
  CHECK(config.api.shutdown_ms == 5);
  CHECK(config.api.names == std::vector<std::string>{"b", "c"});
  CHECK(config.data_folder == "/d");
  CHECK(config.log.level == LogLevel::kDebug);
  CHECK_FALSE(config.plugins.allow_inline);
  CHECK(loaded->files == std::vector<std::string>{file, file + ".d/10-a.toml", file + ".d/20-b.toml"});
  CHECK(origin_of(*loaded, "node_name") == file + ":1");
  CHECK(origin_of(*loaded, "api.max_connections") == file + ".d/20-b.toml:2");
  CHECK(origin_of(*loaded, "api.shutdown_ms") == file + ".d/10-a.toml:4");
  CHECK(origin_of(*loaded, "api.names") == "NOVACROND__API__NAMES");
  CHECK(origin_of(*loaded, "blobs.max_bytes") == "default");
}

TEST_CASE_METHOD(Files, "what is wrong in a layer is named with its file or its variable") {
  CHECK(refusal() == "open " + file + ": No such file or directory");
  write("n.toml", "");
  write("n.toml.d/a.toml", "[api]\nnames = 1\n");
  CHECK(refusal() == file + ".d/a.toml:2: api.names must be a list of texts: [\"…\"]");
  write("n.toml.d/a.toml", "");
  CHECK(refusal({"NOVACROND__LOG__LEVEL=loud"}) ==
        "NOVACROND__LOG__LEVEL: log.level must be one of \"debug\", \"error\", \"info\", \"warn\"");
  CHECK(refusal({"NOVACROND__API__MAX_CONNECTIONS=1\napi = 2"}) ==
        "NOVACROND__API__MAX_CONNECTIONS: api.max_connections must be a whole number from 1 to 1000000");
  CHECK(refusal({"NOVACROND__API__NAMES=a,b"}).find("NOVACROND__API__NAMES: api.names must be a list") == 0);
  CHECK(refusal({"NOVACROND__DATA_FOLDER=relative"}) == "NOVACROND__DATA_FOLDER: data_folder must be an absolute path");
  CHECK(refusal({"NOVACROND__API__LISTENN=x"}).find("NOVACROND__API__LISTENN is the variable of no setting") == 0);
  CHECK(refusal({"NOVACROND__"}).find("NOVACROND__ is the variable of no setting") == 0);
  for (size_t i = 0; i <= kMaxDropIns; ++i) write("n.toml.d/" + std::to_string(i) + ".toml", "");
  CHECK(refusal() == file + ".d has more than 64 files");
}

TEST_CASE("a file may be absent where nobody named it, and defaults have a name") {
  const auto loaded = load_config({.file = "/nonexistent/n.toml", .may_be_absent = true, .defaults_name = "--dev"});
  REQUIRE(loaded.ok());
  CHECK(loaded->files.empty());
  CHECK(origin_of(*loaded, "log.level") == "--dev");
}

TEST_CASE_METHOD(Files, "a configuration is shown as a file that has the same effect") {
  write("n.toml", "node_name = \"n1\"\n[api]\nnames = [\"a\\\"b\"]\n[log]\nlevels = {api = \"warn\"}\n");
  const auto loaded = load();
  REQUIRE(loaded.ok());
  const std::string shown = config_as_toml(*loaded);
  CHECK_THAT(shown, Catch::Contains("node_name = \"n1\"  # " + file + ":1\n") &&
                        Catch::Contains("blobs.max_bytes = 274877906944  # default\n") &&
                        Catch::Contains("log.levels = {\"api\" = \"warn\"}  # " + file + ":5\n"));
  const auto again = parse_config(shown, "shown.toml");
  REQUIRE(again.ok());
  CHECK(changed_settings(loaded->config, *again).empty());
}

TEST_CASE("a secret is shown as there or not, nowhere as itself") {
  std::string place;
  const Setting setting = secret(text(place));
  CHECK(shown(setting) == "");
  place = "hunter2";
  CHECK(shown(setting) == "***");
  std::vector<std::pair<std::string, std::string>> headers = {{"authorization", "Bearer x"}};
  CHECK(shown(secret(trace_headers(headers))) == R"({"authorization": "***"})"_json);
}

TEST_CASE("every setting says what it is for") {
  Config config;
  for (const auto& [table, settings] : tables_of(config)) {
    for (const auto& [name, unused] : settings) {
      INFO(setting_path(table, name) << " is not in kFacts of config_report.cpp");
      CHECK_FALSE(facts_of(setting_path(table, name)).summary.empty());
    }
  }
}

TEST_CASE("what can change at run time is taken over, and the rest is told") {
  Config running;
  Config wanted;
  wanted.api.listen = {"127.0.0.1:9"};
  wanted.data_folder = "/elsewhere";
  wanted.api.max_connections = 7;
  wanted.log.levels = {{"api", LogLevel::kDebug}};
  CHECK(changed_settings(running, wanted) ==
        std::vector<std::string>{"data_folder", "api.listen", "api.max_connections", "log.levels"});
  CHECK(take_live_settings(running, wanted) == std::vector<std::string>{"data_folder", "api.listen"});
  CHECK(running.api.max_connections == 7);
  CHECK(running.log.levels == wanted.log.levels);
  CHECK(running.data_folder == "/var/lib/novacron");
  const auto described = describe_settings({running, {{"log.levels", "n.toml:3"}}, {}, "default"}, wanted);
  const auto& listen = *std::find_if(described.begin(), described.end(),
                                     [](const auto& setting) { return setting["name"] == "api.listen"; });
  CHECK(listen["value"] == std::vector<std::string>{"127.0.0.1:8443"});
  CHECK(listen["configured"] == wanted.api.listen);
  CHECK(listen["live"] == false);
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
