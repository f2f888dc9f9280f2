#include "host/cli/flags.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/exit_code.h"
#include "host/cli/testing.h"
#include "host/contract/schema.h"

using namespace novacron::host;
using namespace novacron::host::cli;
using nlohmann::json;

namespace {

const std::vector<OptionSpec> kTaken = {{"--output", "-o", "FORMAT"}};

const std::vector<Flag>& machine_flags() {
  static const std::vector<Flag> kFlags = derive_flags(*testing::workshop()->find_noun("mc")->spec, kTaken);
  return kFlags;
}

const Flag& flag(const std::string& name) {
  for (const Flag& found : machine_flags()) {
    if (found.name == name) return found;
  }
  FAIL("no flag " << name);
  std::abort();
}

bool exists(const std::string& name) {
  return std::any_of(machine_flags().begin(), machine_flags().end(), [&](const Flag& f) { return f.name == name; });
}

Result<std::string> fake_file(const std::string& path) {
  if (path == "manual.txt") return std::string("read\nme");
  if (path == "settings.json") return std::string("{\"from\":\"file\"}\n");
  return Error{Code::kNotFound, "no file " + path};
}

Result<json> applied(const std::vector<std::pair<std::string, std::string>>& values, json message = json::object()) {
  Arguments arguments;
  for (const auto& [name, value] : values) arguments.add(name, value);
  TRY_STATUS(apply_flags(machine_flags(), arguments, 0, fake_file, message));
  return message;
}

json spec(const std::vector<std::pair<std::string, std::string>>& values, json message = json::object()) {
  auto result = applied(values, std::move(message));
  INFO((result.ok() ? "" : result.error().message));
  REQUIRE(result.ok());
  return *result;
}

std::string why_not(const std::string& name, const std::string& value) {
  const auto result = applied({{name, value}});
  REQUIRE_FALSE(result.ok());
  CHECK(exit_code(result.error()) == ExitCode::kUsage);
  return result.error().message;
}

}  // namespace

TEST_CASE("a flag is named as the contract says, else by its path") {
  CHECK(flag("--wheels").short_name == "-c");
  CHECK(flag("--mode").path == std::vector<std::string>{"mode"});
  CHECK(flag("--place-row").path == std::vector<std::string>{"place", "row"});
  CHECK(flag("--hall").path == std::vector<std::string>{"place", "hall"});
  CHECK_FALSE(exists("--internal"));
}

TEST_CASE("a derived name that every command has already gets a prefix") {
  CHECK_FALSE(exists("--output"));
  CHECK(flag("--spec-output").path == std::vector<std::string>{"output"});
}

TEST_CASE("help tells what a flag takes, its choices and its default") {
  CHECK(option_of(flag("--tank")).value_name == "SIZE");
  CHECK(option_of(flag("--grace")).value_name == "DURATION");
  CHECK(option_of(flag("--electric")).value_name.empty());
  CHECK(option_of(flag("--mode")).summary == "wanted mode: ON|OFF [ON]");
  CHECK(option_of(flag("--wheels")).summary == "how many wheels [4]");
  CHECK(option_of(flag("--part")).repeated);
  CHECK(option_of(flag("--hall-label")).value_name == "KEY=VALUE");
}

TEST_CASE("values become JSON of the field's type") {
  CHECK(spec({{"--wheels", "3"},
              {"--tank", "2GiB"},
              {"--mode", "off"},
              {"--electric", "false"},
              {"--speed", "1.5"},
              {"--offset", "-7"},
              {"--spec-output", "5"},
              {"--grace", "1h30m"},
              {"--place-row", "2"}}) ==
        json::parse(R"({"wheels":3,"tank_bytes":"2GiB","mode":"OFF","electric":false,"speed":1.5,"offset":-7,
                        "output":"5","grace_ns":"1h30m","place":{"row":2}})"));
}

TEST_CASE("bytes and secrets can come from a file") {
  CHECK(spec({{"--manual", "hi"}}) == json::parse(R"({"manual":"aGk="})"));
  CHECK(spec({{"--manual", "@manual.txt"}}) == json::parse(R"({"manual":"cmVhZAptZQ=="})"));
  CHECK(spec({{"--key", "@manual.txt"}}) == json::parse(R"({"key":"read\nme"})"));
  CHECK_FALSE(applied({{"--manual", "@missing"}}).ok());
}

TEST_CASE("free-form JSON is written as JSON, or read from a file") {
  CHECK(option_of(flag("--settings")).value_name == "JSON|@FILE");
  CHECK(option_of(flag("--floor")).value_name == "N");
  CHECK(spec({{"--settings", R"({"a":{"b":[null]}})"}, {"--notes", "1"}, {"--notes", R"("x")"}, {"--floor", "-2"}}) ==
        json::parse(R"({"settings":{"a":{"b":[null]}},"notes":[1,"x"],"floor":-2})"));
  CHECK(spec({{"--settings", "@settings.json"}}) == json::parse(R"({"settings":{"from":"file"}})"));
  CHECK(why_not("--settings", "[1]") == "--settings: \"[1]\" is no JSON object");
  CHECK(why_not("--settings", "{").find("is no JSON: ") != std::string::npos);
  CHECK(why_not("--notes", "bare").find("is no JSON: ") != std::string::npos);
  CHECK(why_not("--floor", "x").find("whole number") != std::string::npos);
}

TEST_CASE("repeated flags make lists and maps") {
  CHECK(spec({{"--color", "red"}, {"--color", "a,b"}, {"--hall-label", "a=1"}, {"--hall-label", "b=x=y"}}) ==
        json::parse(R"({"colors":["red","a,b"],"place":{"hall_labels":{"a":"1","b":"x=y"}}})"));
}

TEST_CASE("an item is described by keys and values") {
  CHECK(spec({{"--part", "name=axle,length=2,weight=10KiB,spare,tags=a,tags=b,maker.city=Ulm,marks.x=1"}}) ==
        json::parse(R"({"parts":[{"name":"axle","length":2,"weight_bytes":"10KiB","spare":true,"tags":["a","b"],
                                  "maker":{"city":"Ulm"},"marks":{"x":"1"}}]})"));
}

TEST_CASE("an item takes the place of the one with its key") {
  const json before =
      json::parse(R"({"parts":[{"name":"axle","length":2,"spare":true},{"name":"door"}],"colors":["red"]})");
  CHECK(spec({{"--part", "name=axle,length=3"}, {"--part", "name=roof"}, {"--color", "blue"}, {"--color", "green"}},
             before) ==
        json::parse(R"({"parts":[{"name":"axle","length":3,"spare":true},{"name":"door"},{"name":"roof"}],
                        "colors":["blue","green"]})"));
}

TEST_CASE("a positional field is an argument behind the name") {
  Arguments arguments;
  arguments.add_positional("one");
  arguments.add_positional("T34");
  json message = json::object();
  REQUIRE(apply_flags(machine_flags(), arguments, 1, fake_file, message).ok());
  CHECK(message == json::parse(R"({"model":"T34"})"));
}

TEST_CASE("a wrong value is a usage error that names the flag and what would fit") {
  CHECK(why_not("--wheels", "many").find("--wheels: \"many\"") == 0);
  CHECK(why_not("--wheels", "-1").find("whole number") != std::string::npos);
  CHECK(why_not("--tank", "2Gx").find("--tank") == 0);
  CHECK(why_not("--mode", "onn").find("Did you mean `ON`?") != std::string::npos);
  CHECK(why_not("--part", "name=axle,lenght=2").find("Did you mean `length`?") != std::string::npos);
  CHECK(why_not("--part", "name=a,name=b").find("occurs twice") != std::string::npos);
  CHECK(why_not("--part", "maker=x").find("maker.KEY") != std::string::npos);
  CHECK(why_not("--part", "name.x=1").find("no parts") != std::string::npos);
  CHECK(why_not("--hall-label", "x").find("key=value") != std::string::npos);
}
