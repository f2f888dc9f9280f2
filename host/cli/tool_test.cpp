#include "host/cli/tool.h"

#include <catch2/catch.hpp>

#include "host/cli/testing.h"

using namespace novacron::host;
using namespace novacron::host::cli;
using namespace novacron::host::cli::testing;

namespace {

/// What the CLI would run, and what the program is made to answer.
struct Ran {
  std::string program = {};
  std::vector<std::string> words = {};
  int status = 0;

  Outcome cli(std::vector<std::string> line) {
    Folder folder;
    RunOptions options;
    options.run_program = [this](const std::string& name, const std::vector<std::string>& arguments) -> Result<int> {
      program = name;
      words = arguments;
      return status;
    };
    return run_cli(folder, "unix:///nowhere.sock", std::move(line), std::move(options));
  }
};

}  // namespace

TEST_CASE("a plugin is validated without a host, and its status is the validator's") {
  Ran ran{.status = 1};
  const Outcome done = ran.cli({"plugin", "validate", "./plugin.so", "--suite", "core", "--test", "calls.ids", "--test",
                                "elf.needed", "--seed", "7", "--json"});
  CHECK(done.code == ExitCode::kError);
  CHECK(ran.program == "novacron-validate");
  CHECK(ran.words == std::vector<std::string>{"./plugin.so", "--suite=core", "--test=calls.ids", "--test=elf.needed",
                                              "--seed=7", "--json"});
}

TEST_CASE("a recorded run is replayed without a host") {
  Ran ran;
  CHECK(ran.cli({"plugin", "replay", "./plugin.so", "trace"}).code == ExitCode::kOk);
  CHECK(ran.words == std::vector<std::string>{"./plugin.so", "--replay=trace"});
  CHECK(ran.cli({"plugin", "replay", "./plugin.so"}).code == ExitCode::kUsage);
}

TEST_CASE("the help of a plugin author's command needs no host") {
  Ran ran;
  const Outcome done = ran.cli({"plugin", "validate", "--help"});
  CHECK(done.code == ExitCode::kOk);
  CHECK_THAT(done.out, Catch::Contains("--in-process"));
  CHECK(ran.program.empty());
}

TEST_CASE("a flag that the validator does not have is a usage error") {
  Ran ran;
  CHECK(ran.cli({"plugin", "validate", "./plugin.so", "--no-such"}).code == ExitCode::kUsage);
  CHECK(ran.program.empty());
}

TEST_CASE("a program that is not installed beside this one is named") {
  const auto ran = run_program_beside("novacron-no-such-program", {});
  REQUIRE_FALSE(ran.ok());
  CHECK(ran.error().code == Code::kNotFound);
  CHECK_THAT(ran.error().message, Catch::Contains("novacron-no-such-program"));
}
