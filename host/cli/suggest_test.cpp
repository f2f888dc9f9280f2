#include "host/cli/suggest.h"

#include <catch2/catch.hpp>

using namespace novacron::host::cli;

TEST_CASE("a typing error is near to what was meant") {
  const std::vector<std::string> verbs = {"create", "list", "show", "edit", "delete"};
  CHECK(did_you_mean("craete", verbs) == " Did you mean `create`?");
  CHECK(did_you_mean("lst", verbs) == " Did you mean `list`?");
  CHECK(did_you_mean("sho", verbs) == " Did you mean `show`?");
  CHECK(did_you_mean("delte", verbs) == " Did you mean `delete`?");
}

TEST_CASE("the beginning of a word is near to the word") {
  CHECK(did_you_mean("--mem", {"--memory", "--cpu"}) == " Did you mean `--memory`?");
}

TEST_CASE("nothing is suggested for what is like nothing") {
  CHECK(did_you_mean("frobnicate", {"create", "list"}).empty());
  CHECK(did_you_mean("", {"create"}).empty());
  CHECK(suggestions(std::string(100'000, 'x'), {"create"}).empty());
}

TEST_CASE("only the nearest are suggested, at most three") {
  CHECK(suggestions("start", {"stark", "start", "smart"}) == std::vector<std::string>{"start"});
  CHECK(suggestions("plan", {"plane", "plans", "plant", "planx"}).size() == 3);
}
