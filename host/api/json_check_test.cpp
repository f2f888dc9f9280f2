#include "host/api/json_check.h"

#include <catch2/catch.hpp>

using novacron::host::api::JsonCheck;

TEST_CASE("what is no JSON is told from what is") {
  JsonCheck json;
  for (const char* text :
       {"", " ", "{", "{\"a\":}", "1 2", "nul", "\"\xff\"", "\"a\nb\"", "[1,]", "01", "\xEF\xBB\xBF{}"}) {
    INFO(text);
    CHECK_FALSE(json.check(text).is_json);
  }
  CHECK_FALSE(json.check(std::string_view("\"a\"\0,1", 6)).is_json);
  for (const char* text : {"{}", " [1, 2.5e3] ", "null", "\"\\u00e9\"", "123456789012345678901234567890", "-0"}) {
    INFO(text);
    CHECK(json.check(text).is_json);
  }
}

TEST_CASE("a text of any depth and length is checked") {
  JsonCheck json;
  constexpr size_t kDepth = 5'000;
  CHECK(json.check(std::string(kDepth, '[') + std::string(kDepth, ']')).is_json);
  CHECK_FALSE(json.check(std::string(kDepth, '[') + std::string(kDepth - 1, ']')).is_json);
  CHECK(json.check('"' + std::string(200'000, 'x') + '"').is_json);
}

TEST_CASE("an object is known by its kind and its name") {
  JsonCheck json;
  CHECK(json.check(R"({"name":"r1","x":[1],"kind":"shop/Robot"})").subject == "shop/Robot/r1");
  CHECK(json.check(R"({"name":"r1","x":123456789012345678901234567890,"kind":"shop/Robot"})").subject ==
        "shop/Robot/r1");
  CHECK(json.check(R"({"name":"","kind":"shop/Robot"})").subject.empty());
  CHECK(json.check(R"([{"name":"r1","kind":"shop/Robot"}])").subject.empty());
  CHECK(json.check(R"({"name":1,"kind":"shop/Robot"})").subject.empty());
}
