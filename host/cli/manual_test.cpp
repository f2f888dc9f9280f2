#include "host/cli/manual.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "host/base/file.h"
#include "host/cli/archive.h"
#include "host/cli/testing.h"

using namespace novacron::host;
using namespace novacron::host::cli;
using namespace novacron::host::cli::testing;

namespace {

FakeResponse serve_schema(const FakeRequest&) {
  return {.body = workshop()->serialize()};
}

}  // namespace

TEST_CASE("a page has what help has: summary, arguments, flags, examples, and where to read on") {
  Command command{.name = "dig", .summary = "Dig a hole", .details = "Deep ones take longer."};
  command.arguments = {{"NAME", "of the hole"}, {"MORE", "", false, true}};
  command.options = {{"--depth", "-d", "N", "how deep", {"1", "2"}}};
  command.examples = {"novacron dig deep --depth 2"};
  command.run = [](Session&, const Arguments&) -> Result<ExitCode> { return ExitCode::kOk; };
  const std::string page = manual_page(command, "novacron dig", {{"--everywhere"}});
  for (const char* part :
       {".TH \"NOVACRON\\-DIG\" 1", "novacron\\-dig \\- Dig a hole", ".I \"NAME [MORE…]\"", "Deep ones take longer.",
        "\\fBNAME\\fR\nof the hole", "\\fB\\-d, \\-\\-depth\\fR \\fIN\\fR\nhow deep: 1|2",
        "novacron dig deep \\-\\-depth 2", ".BR novacron (1)"})
    CHECK_THAT(page, Catch::Contains(part));
  CHECK_THAT(page, !Catch::Contains("everywhere"));
}

TEST_CASE("every command has a page of its own, those of contracts too") {
  Folder folder;
  FakeHost host(serve_schema);
  const std::string pages = folder.path + "/pages";
  CHECK(run_cli(folder, host.url(), {"man", "--all", pages}).code == ExitCode::kOk);
  for (const char* name : {"novacron", "novacron-plugin", "novacron-plugin-install", "novacron-machine-create"})
    CHECK(std::filesystem::exists(pages + "/" + name + ".1"));
  CHECK(run_cli(folder, host.url(), {"man", "machine", "create"}).out ==
        read_file(pages + "/novacron-machine-create.1", 1 << 20).value());
}

TEST_CASE("a page for what is no command is refused with what was meant") {
  Folder folder;
  FakeHost host(serve_schema);
  const Outcome done = run_cli(folder, host.url(), {"man", "machine", "crate"});
  CHECK(done.code == ExitCode::kUsage);
  CHECK_THAT(done.err, Catch::Contains("create"));
  CHECK(run_cli(folder, host.url(), {"man", "--all", folder.path + "/p", "machine"}).code == ExitCode::kUsage);
}

TEST_CASE("the host's own pages need no host") {
  Folder folder;
  const Outcome done = run_cli(folder, "unix:///nowhere", {"man", "--own", "plugin"});
  CHECK(done.code == ExitCode::kOk);
  CHECK_THAT(done.out, Catch::Contains("NOVACRON\\-PLUGIN"));
}

TEST_CASE("an archive is there whole and for its owner alone, or not at all") {
  Folder folder;
  const std::string path = folder.path + "/a.tar.gz";
  REQUIRE(write_archive(path, {{"a/one", "1"}, {"a/two", std::string(100'000, 'x')}}, 1'700'000'000).ok());
  CHECK(std::filesystem::status(path).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  const auto again = write_archive(path, {}, 0);
  CHECK(again.code() == Code::kAlreadyExists);
  CHECK(std::filesystem::file_size(path) > 100);
  CHECK_FALSE(std::filesystem::exists(path + ".partial"));
  CHECK_FALSE(write_archive(folder.path + "/none/a.tar.gz", {}, 0).ok());
}
