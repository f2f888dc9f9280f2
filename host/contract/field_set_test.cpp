#include "host/contract/field_set.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/contract/testing/testing.h"

namespace novacron::host::contract {

namespace {
using nlohmann::json;

const MessageType& robot() {
  return *testing::shop_schema()->find_kind("shop/Robot")->message;
}
Paths paths(const char* text) {
  return paths_of(leaves_of(robot(), json::parse(text)));
}
json merged(const char* live, const char* given) {
  json result = json::parse(live);
  merge_fields(robot(), json::parse(given), result);
  return result;
}
json pruned(const char* live, const Paths& drop, const Paths& keep = {}) {
  json result = json::parse(live);
  prune_fields(robot(), drop, keep, result);
  return result;
}
}  // namespace

TEST_CASE("free-form JSON is one value, whatever is in it") {
  CHECK(paths(R"({"spec":{"settings":{"a":{"b":1}},"badge":{"@type":"x/shop.v1.FetchReply","found":"y"},"patience":0,
                  "everything":{"a_value":null,"a_list":[1],"values":[{}],"structs":{"one":{"a":1}}}}})") ==
        Paths{"spec.badge", "spec.everything.a_list", "spec.everything.a_value", R"(spec.everything.structs["one"])",
              "spec.everything.values", "spec.patience", "spec.settings"});
  CHECK(merged(R"({"spec":{"settings":{"a":1,"b":2}}})", R"({"spec":{"settings":{"c":3}}})") ==
        json::parse(R"({"spec":{"settings":{"c":3}}})"));
}

TEST_CASE("an object is taken apart into values with paths") {
  CHECK(paths(R"({"metadata":{"labels":{"app":"web","a.b/c":"d"}},
                  "spec":{"arms":2,"friends":["a","b"],"tools":[{"name":"saw","size_bytes":1}],"everything":{}}})") ==
        Paths{R"(metadata.labels["a.b/c"])", R"(metadata.labels["app"])", "spec.arms", "spec.everything",
              "spec.friends", "spec.tools[name=saw].name", "spec.tools[name=saw].size_bytes"});
  CHECK(paths(R"({"spec":{"everything":{"nested":{"a_bool":true},"message_by_text":{"x":{"a_bool":true},"y":{}},
                  "number_by_number":{"7":1},"many":[{}]}}})") ==
        Paths{"spec.everything.many", R"(spec.everything.message_by_text["x"].a_bool)",
              R"(spec.everything.message_by_text["y"])", "spec.everything.nested.a_bool",
              R"(spec.everything.number_by_number["7"])"});
}

TEST_CASE("within a path is what continues it by a dot or a bracket") {
  const Paths some{"spec.arms", "spec.tools[name=saw].name"};
  CHECK(has_within(some, "spec"));
  CHECK(has_within(some, "spec.arms"));
  CHECK(has_within(some, "spec.tools"));
  CHECK(has_within(some, "spec.tools[name=saw]"));
  CHECK_FALSE(has_within(some, "spec.arm"));
  CHECK_FALSE(has_within(some, "spec.tool"));
  CHECK(items_around("a[x=1].b[y=2].c") == Paths{"a[x=1]", "a[x=1].b[y=2]"});
  CHECK(items_around(R"(metadata.labels["app"])").empty());
}

TEST_CASE("what is given is set, item by item and entry by entry") {
  CHECK(merged(R"({"spec":{"arms":2,"model":"a"}})", R"({"spec":{"arms":3}})") ==
        json::parse(R"({"spec":{"arms":3,"model":"a"}})"));
  CHECK(merged(R"({"spec":{"tools":[{"name":"saw","size_bytes":1},{"name":"axe"}]}})",
               R"({"spec":{"tools":[{"name":"axe","size_bytes":2},{"name":"new"}]}})") ==
        json::parse(
            R"({"spec":{"tools":[{"name":"saw","size_bytes":1},{"name":"axe","size_bytes":2},{"name":"new"}]}})"));
  CHECK(merged(R"({"spec":{"everything":{"a_bool":true}}})", R"({"spec":{"everything":{}}})") ==
        json::parse(R"({"spec":{"everything":{"a_bool":true}}})"));
  CHECK(merged(R"({"spec":{"friends":["a","b"]}})", R"({"spec":{"friends":["c"]}})") ==
        json::parse(R"({"spec":{"friends":["c"]}})"));
  CHECK(merged(R"({"metadata":{"labels":{"a":"1","b":"2"}}})", R"({"metadata":{"labels":{"b":"3","c":"4"}}})") ==
        json::parse(R"({"metadata":{"labels":{"a":"1","b":"3","c":"4"}}})"));
  CHECK(merged(R"({"spec":{"everything":{"left":"x"}}})", R"({"spec":{"everything":{"right":1}}})") ==
        json::parse(R"({"spec":{"everything":{"right":1}}})"));
  CHECK(merged(R"({"spec":{"password":"x","keys":{"a":"y"}}})",
               R"({"spec":{"password":"********","keys":{"a":"********","b":"z"}}})") ==
        json::parse(R"({"spec":{"password":"x","keys":{"a":"y","b":"z"}}})"));
}

TEST_CASE("what is dropped goes, with the items and messages that it leaves empty") {
  CHECK(pruned(R"({"spec":{"arms":2,"model":"a"}})", {"spec.arms"}) == json::parse(R"({"spec":{"model":"a"}})"));
  CHECK(pruned(R"({"metadata":{"labels":{"a":"1"}},"spec":{"everything":{"nested":{"a_bool":true}}}})",
               {R"(metadata.labels["a"])", "spec.everything.nested.a_bool"}) == json::object());
  const char* tools = R"({"spec":{"tools":[{"name":"saw","size_bytes":1,"serial":"x"},{"name":"axe"}]}})";
  const Paths saw{"spec.tools[name=saw].name", "spec.tools[name=saw].size_bytes"};
  CHECK(pruned(tools, saw) == json::parse(R"({"spec":{"tools":[{"name":"axe"}]}})"));
  CHECK(pruned(tools, saw, {"spec.tools[name=saw].serial"}) ==
        json::parse(R"({"spec":{"tools":[{"name":"saw","serial":"x"},{"name":"axe"}]}})"));
  CHECK(pruned(tools, {"spec.nothing", "spec.tools[name=hammer].name"}) == json::parse(tools));
}

}  // namespace novacron::host::contract
