#include "host/cli/command.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::cli;

namespace {

const std::vector<OptionSpec> kEverywhere = {{"--output", "-o", "FORMAT", "how", {"table", "json"}},
                                             {"--quiet", "-q", "", "say less"}};

Command tree() {
  const Run nothing = [](Session&, const Arguments&) -> Result<ExitCode> { return ExitCode::kOk; };
  Command create{.name = "create", .summary = "Make one"};
  create.arguments = {{"NAME"}, {"MODEL", "", false}};
  create.options = {{"--wheels", "-c", "N", "how many wheels"},
                    {"--electric", "", "", "has a motor"},
                    {"--color", "", "TEXT", "its colors", {}, true}};
  create.run = nothing;
  Command remove{.name = "delete", .aliases = {"rm"}};
  remove.arguments = {{"NAME", "", true, true}};
  remove.run = nothing;
  Command noun{.name = "machine", .aliases = {"mc"}, .summary = "A machine"};
  noun.children = {create, remove};
  Command root{.name = "novacron"};
  root.children = {noun};
  return root;
}

Parsed parsed(const Command& root, const std::vector<std::string>& words) {
  auto result = parse_command_line(root, kEverywhere, words);
  INFO((result.ok() ? "" : result.error().message));
  REQUIRE(result.ok());
  return *std::move(result);
}

std::string why_not(const std::vector<std::string>& words) {
  const Command root = tree();
  const auto result = parse_command_line(root, kEverywhere, words);
  REQUIRE_FALSE(result.ok());
  CHECK(exit_code(result.error()) == ExitCode::kUsage);
  return result.error().message;
}

}  // namespace

TEST_CASE("words lead down the tree and flags stand anywhere") {
  const Command root = tree();
  const Parsed result = parsed(
      root, {"-o", "json", "mc", "create", "--wheels=3", "one", "--color", "red", "-q", "two", "--color", "blue"});
  CHECK(result.path == "novacron machine create");
  CHECK(result.arguments.positional() == std::vector<std::string>{"one", "two"});
  CHECK(result.arguments.get("--wheels") == "3");
  CHECK(result.arguments.get("--output") == "json");
  CHECK(result.arguments.is_on("--quiet"));
  CHECK(result.arguments.all("--color") == std::vector<std::string>{"red", "blue"});
}

TEST_CASE("short flags take their value behind them or as the next word") {
  const Command root = tree();
  CHECK(parsed(root, {"mc", "create", "x", "-c4"}).arguments.get("--wheels") == "4");
  CHECK(parsed(root, {"mc", "create", "x", "-c", "4"}).arguments.get("--wheels") == "4");
  CHECK(parsed(root, {"mc", "create", "x", "-c", "-4"}).arguments.get("--wheels") == "-4");
}

TEST_CASE("a switch can be turned off") {
  const Command root = tree();
  CHECK(parsed(root, {"mc", "create", "x", "--electric"}).arguments.is_on("--electric"));
  CHECK_FALSE(parsed(root, {"mc", "create", "x", "--no-electric"}).arguments.is_on("--electric", true));
  CHECK_FALSE(parsed(root, {"mc", "create", "x", "--electric=false"}).arguments.is_on("--electric", true));
  CHECK(why_not({"mc", "create", "x", "--electric=perhaps"}) == "--electric is true or false");
}

TEST_CASE("behind -- nothing is a flag") {
  const Command root = tree();
  CHECK(parsed(root, {"mc", "rm", "--", "--wheels", "-"}).arguments.positional() ==
        std::vector<std::string>{"--wheels", "-"});
}

TEST_CASE("an unknown word or flag is answered with what was meant") {
  CHECK(why_not({"machin"}).find("Did you mean `machine`?") != std::string::npos);
  CHECK(why_not({"mc", "creat", "x"}).find("Did you mean `create`?") != std::string::npos);
  CHECK(why_not({"mc", "create", "x", "--wheel", "3"}).find("Did you mean `--wheels`?") != std::string::npos);
  CHECK(why_not({"mc", "create", "x", "-o", "jsn"}).find("Did you mean `json`?") != std::string::npos);
}

TEST_CASE("what is missing or too much is named") {
  CHECK(why_not({}).find("which command?") == 0);
  CHECK(why_not({"mc"}).find("needs a command") != std::string::npos);
  CHECK(why_not({"mc", "create"}).find("needs NAME") != std::string::npos);
  CHECK(why_not({"mc", "create", "a", "b", "c"}).find("`c` is too much") != std::string::npos);
  CHECK(why_not({"mc", "create", "a", "--wheels"}).find("--wheels needs a value") == 0);
}

TEST_CASE("help is given however much is missing") {
  const Command root = tree();
  CHECK(parsed(root, {"--help"}).help);
  CHECK(parsed(root, {"mc", "create", "-h"}).path == "novacron machine create");
}

TEST_CASE("help names arguments, commands and flags") {
  const Command root = tree();
  const std::string noun = help_text(root.children[0], "novacron machine", kEverywhere, 80);
  CHECK(noun.find("usage: novacron machine COMMAND …") != std::string::npos);
  CHECK(noun.find("  delete, rm\n") != std::string::npos);
  const std::string create = help_text(root.children[0].children[0], "novacron machine create", kEverywhere, 80);
  CHECK(create.find("usage: novacron machine create NAME [MODEL] [FLAGS]") != std::string::npos);
  CHECK(create.find("  -c, --wheels N") != std::string::npos);
  CHECK(create.find("its colors (may be repeated)") != std::string::npos);
  CHECK(create.find("Flags of every command: see `novacron --help`") != std::string::npos);
  CHECK(help_text(root, "novacron", kEverywhere, 80).find("  -o, --output FORMAT") != std::string::npos);
}

TEST_CASE("global flags are found before the tree is known") {
  const Prescan scan =
      prescan(kEverywhere, {"mc", "--what", "-o", "json", "create", "--quiet", "--", "--output=table"});
  CHECK(scan.options.get("--output") == "json");
  CHECK(scan.options.is_on("--quiet"));
  CHECK(scan.words[0] == "mc");
}
