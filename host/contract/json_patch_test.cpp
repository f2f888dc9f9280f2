#include "host/contract/json_patch.h"

#include <catch2/catch.hpp>

namespace novacron::host::contract {

namespace {
Result<std::string> patched(std::string_view document, std::string_view patch) {
  return json_patch({document, document}, patch);
}
std::string reason(const Result<std::string>& result) {
  return result.ok() ? *result : result.error().reason;
}
}  // namespace

TEST_CASE("a JSON patch that cannot be applied says which operation, and why") {
  const std::string document = R"({"a":{"b":[1,2]}})";
  CHECK(reason(patched(document, "{}")) == "json.invalid");
  CHECK(reason(patched(document, "[1]")) == "json.invalid");
  CHECK(reason(patched(document, R"([{"path":"/a"}])")) == "json.invalid");
  CHECK(reason(patched(document, R"([{"op":"shuffle","path":"/a"}])")) == "json.invalid");
  CHECK(reason(patched(document, R"([{"op":"add","path":"/a"}])")) == "json.invalid");
  CHECK(reason(patched(document, R"([{"op":"add","path":"a","value":1}])")) == "json.invalid");
  CHECK(reason(patched(document, R"([{"op":"add","path":"/a/b/0/c","value":1}])")) == "json.patch-path");
  CHECK(reason(patched(document, R"([{"op":"move","from":"/a","path":"/a/b"}])")) == "json.patch-path");
  CHECK(reason(patched(document, R"([{"op":"move","from":"/a/b/0","path":"/a/b/0/c"}])")) == "json.patch-path");
  CHECK(reason(patched(document, R"([{"op":"remove","path":""}])")) == "json.patch-path");
  CHECK(reason(patched(document, R"([{"op":"copy","from":"/x","path":"/c"}])")) == "json.patch-path");
  CHECK(reason(patched(document, R"([{"op":"remove","path":"/a/b/2"}])")) == "json.patch-path");
  CHECK(reason(patched(document, R"([{"op":"remove","path":"/a/b/x"}])")) == "json.patch-path");
  CHECK(reason(patched(document, R"([{"op":"replace","path":"/a/c","value":1}])")) == "json.patch-path");
  const auto failed = patched(document, R"([{"op":"test","path":"/a/b/0","value":1},
                                            {"op":"test","path":"/a/b/0","value":2}])");
  CHECK(reason(failed) == "json.patch-test");
  CHECK(failed.error().fields.at(0).path == "[1]");
}

TEST_CASE("the operations of a JSON patch happen one after the other") {
  CHECK(*patched(R"({"list":[1,3]})", R"([{"op":"add","path":"/list/1","value":2}])") == R"({"list":[1,2,3]})");
  CHECK(*patched(R"({"list":[1]})", R"([{"op":"add","path":"/list/-","value":{"x":null}}])") ==
        R"({"list":[1,{"x":null}]})");
  CHECK(*patched(R"({"a~/b":1})", R"([{"op":"remove","path":"/a~0~1b"}])") == "{}");
  CHECK(*patched(R"({"a":{"b":1}})", R"([{"op":"move","from":"/a/b","path":"/c"},
                                         {"op":"copy","from":"/c","path":"/a/d"},
                                         {"op":"replace","path":"/c","value":[]},
                                         {"op":"test","path":"/a","value":{"d":1}}])") == R"({"a":{"d":1},"c":[]})");
}

TEST_CASE("a JSON patch can neither read a secret nor take it elsewhere") {
  const PatchTarget robot{R"({"password":"x","arms":2,"tools":[{"pin":"1"},{"pin":"2"}]})",
                          R"({"password":"********","arms":2,"tools":[{"pin":"********"},{"pin":"********"}]})"};
  CHECK(reason(json_patch(robot, R"([{"op":"test","path":"/password","value":"x"}])")) == "json.patch-test");
  CHECK(reason(json_patch(robot, R"([{"op":"copy","from":"/password","path":"/model"}])")) == "json.patch-path");
  CHECK(reason(json_patch(robot, R"([{"op":"move","from":"/tools","path":"/model"}])")) == "json.patch-path");
  CHECK(reason(json_patch(robot, R"([{"op":"copy","from":"","path":"/model"}])")) == "json.patch-path");
  CHECK(*json_patch(robot, R"([{"op":"remove","path":"/tools/0"},{"op":"add","path":"/arms","value":3}])") ==
        R"({"arms":3,"password":"x","tools":[{"pin":"2"}]})");
}

TEST_CASE("a JSON patch cannot grow without bound") {
  std::string many = "[";
  for (int i = 0; i < 257; ++i) many += std::string(i ? "," : "") + R"({"op":"test","path":"/a","value":1})";
  CHECK(reason(patched(R"({"a":1})", many + "]")) == "json.invalid");
  std::string doubling = "[";
  for (int i = 0; i < 100; ++i) doubling += std::string(i ? "," : "") + R"({"op":"copy","from":"/l","path":"/l/-"})";
  CHECK(reason(patched(R"({"l":[1]})", doubling + "]")) == "json.invalid");
  std::string deeper = "[";
  for (int i = 0; i < 70; ++i)
    deeper += std::string(i ? "," : "") + R"({"op":"move","from":"/a","path":"/b"},)" +
              R"({"op":"add","path":"/a","value":{}},{"op":"move","from":"/b","path":"/a/a"})";
  CHECK(reason(patched(R"({"a":1})", deeper + "]")) == "json.invalid");
}

}  // namespace novacron::host::contract
