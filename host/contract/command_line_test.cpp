#include "host/contract/command_line.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/contract/schema.h"
#include "host/contract/testing/testing.h"

using namespace novacron::host::contract;
using nlohmann::json;

namespace {

struct Shop {
  std::shared_ptr<const Schema> schema = testing::shop_schema();
  const Kind& robot = *schema->find_kind("shop/Robot");
  const std::string tenant = "default";
  const std::string name = "r1";
  CommandTarget target{robot, tenant, name};
};

}  // namespace

TEST_CASE("a creation is a flag for each field, with units and without secrets") {
  const Shop shop;
  const json document = {{"metadata", {{"labels", {{"app", "web"}}}}},
                         {"spec",
                          {{"arms", 2},
                           {"memory_bytes", 1048576u},
                           {"mood", "SAD"},
                           {"password", "(secret)"},
                           {"friends", {"a", "b"}},
                           {"tools", {{{"name", "axle"}, {"size_bytes", 2048u}, {"pin", "(secret)"}}}}}}};
  CHECK(create_command_line(shop.target, document) ==
        "novacron rb create r1 --arms 2 --memory-bytes 1MiB --mood SAD"
        " --tools name=axle,size_bytes=2KiB,pin=@FILE --password @FILE --friends a --friends b --label app=web");
}

TEST_CASE("what flags cannot say is a file, and what is too long too") {
  const Shop shop;
  const json nested = {{"spec", {{"everything", {{"message_by_text", {{"a", json::object()}}}}}}}};
  CHECK(create_command_line(shop.target, nested) == "novacron rb create r1 --from-file FILE");
  const json secrets = {{"spec", {{"keys", {{"a", "(secret)"}}}}}};
  CHECK(create_command_line(shop.target, secrets) == "novacron rb create r1 --from-file FILE");
  const json longer = {{"spec", {{"station", std::string(kMaxCommandBytes, 'x')}}}};
  CHECK(create_command_line(shop.target, longer) == "novacron rb create r1 --from-file FILE");
}

TEST_CASE("a change is the merge patch between the two documents, and another tenant is named") {
  const Shop shop;
  const std::string other = "acme";
  const CommandTarget target{shop.robot, other, shop.name};
  const json before = {{"metadata", {{"generation", 1}, {"labels", {{"a", "1"}, {"b", "2"}}}}},
                       {"spec", {{"arms", 2}, {"mood", "HAPPY"}}},
                       {"status", {{"phase", "IDLE"}}}};
  const json after = {{"metadata", {{"generation", 2}, {"labels", {{"a", "1"}}}}}, {"spec", {{"arms", 3}}}};
  CHECK(patch_command_line(target, before, after) ==
        "novacron patch rb r1 -p '{\"metadata\":{\"labels\":{\"b\":null}},\"spec\":{\"arms\":3,\"mood\":null}}'"
        " --tenant acme");
}

TEST_CASE("verbs have the flags of their request") {
  const Shop shop;
  const auto* fetch = shop.robot.find_action("fetch");
  CHECK(verb_command_line(shop.target, "cheer", nullptr, json::object()) == "novacron rb cheer r1");
  CHECK(verb_command_line(shop.target, "fetch", fetch->method.request, {{"thing", "it's a $cat"}}) ==
        "novacron rb fetch r1 --thing 'it'\\''s a $cat'");
  CHECK(delete_command_line(shop.target) == "novacron rb delete r1");
}

TEST_CASE("words of a shell are quoted where it would read more into them") {
  CHECK(shell_word("a-b_c/1.2:3@x,y") == "a-b_c/1.2:3@x,y");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("$(rm)") == "'$(rm)'");
  CHECK(shell_word("a\nb") == "'a\nb'");
}
