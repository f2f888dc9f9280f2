#include "host/daemon/command_line.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace novacron::host::daemon;

namespace {

CommandLine parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "novacrond");
  const auto result = parse_command_line(static_cast<int>(words.size()), words.data());
  REQUIRE(std::holds_alternative<CommandLine>(result));
  return std::get<CommandLine>(result);
}

}  // namespace

TEST_CASE("without a word the default file is read, which may be absent") {
  const CommandLine line = parsed({});
  CHECK(line.task == Task::kServe);
  CHECK(line.file == "/etc/novacron/novacrond.toml");
  CHECK_FALSE(line.file_is_given);
}

TEST_CASE("for development there is no file, unless one is named") {
  CHECK(parsed({"--dev", "--fleet", "3"}).file.empty());
  CHECK(parsed({"--dev", "--fleet", "3"}).fleet == 3);
  CHECK(parsed({"--dev", "--config", "/n.toml"}).file == "/n.toml");
  CHECK(parsed({"--config", "/n.toml"}).file_is_given);
}

TEST_CASE("checks may show what they have read") {
  CHECK(parsed({"--check"}).task == Task::kCheck);
  CHECK(parsed({"--check", "--show"}).task == Task::kShow);
  CHECK(parsed({"--man"}).task == Task::kMan);
}

TEST_CASE("the manual page has every option and every setting") {
  const std::string page = manual_page();
  for (const char* word : {".TH NOVACROND 8", "\\fB\\-c,\\-\\-config\\fR \\fIFILE\\fR", "\\-\\-show", "\\-\\-man",
                           "api.listen", "log.levels", "blobs.max_bytes", "NOVACROND__API__LISTEN"})
    CHECK_THAT(page, Catch::Contains(word));
}
