#include "host/cli/yaml.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace novacron::host;
using namespace novacron::host::cli;
using nlohmann::json;

namespace {
json one(std::string_view text) {
  auto documents = parse_yaml(text);
  INFO((documents.ok() ? "" : documents.error().message));
  REQUIRE(documents.ok());
  REQUIRE(documents->size() == 1);
  return (*documents)[0];
}
std::string why_not(std::string_view text, const YamlLimits& limits = {}) {
  auto documents = parse_yaml(text, limits);
  REQUIRE_FALSE(documents.ok());
  return documents.error().message;
}
}  // namespace

TEST_CASE("quoted scalars stay strings") {
  CHECK(one("a: \"5\"\nb: 'true'\nc: \"\"\nd: '~'") == json::parse(R"({"a":"5","b":"true","c":"","d":"~"})"));
}

TEST_CASE("plain scalars have the types of YAML 1.2's core schema") {
  CHECK(one("[1, -2, +3, 0x1F, 0o17, 1.5, 1e3, .5, true, False, null, ~]") ==
        json::parse(R"([1,-2,3,31,15,1.5,1000.0,0.5,true,false,null,null])"));
  CHECK(one("[yes, no, on, off, 512MiB, 1h30m, 52:54:00:12:34:56, 1.2.3, 0x, '-', 1_000]") ==
        json::parse(R"(["yes","no","on","off","512MiB","1h30m","52:54:00:12:34:56","1.2.3","0x","-","1_000"])"));
  CHECK(one("a:") == json::parse(R"({"a":null})"));
}

TEST_CASE("large numbers keep their value and octal look-alikes are no numbers") {
  CHECK(one("18446744073709551615") == json(18446744073709551615u));
  CHECK(one("-9223372036854775808") == json(std::numeric_limits<int64_t>::min()));
  CHECK(one("0755") == json("0755"));
}

TEST_CASE("explicit tags are obeyed or refused") {
  CHECK(one("!!str 5") == json("5"));
  CHECK(one("!!int 5") == json(5));
  CHECK(why_not("!!int five").find("does not fit") != std::string::npos);
  CHECK(why_not("!custom 5").find("tag") != std::string::npos);
  CHECK(why_not("!custom {a: 1}").find("tag") != std::string::npos);
}

TEST_CASE("a stream holds many documents and empty ones do not count") {
  auto documents = parse_yaml("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n");
  REQUIRE(documents.ok());
  REQUIRE(documents->size() == 2);
  CHECK((*documents)[1] == json::parse(R"({"b":2})"));
  CHECK(parse_yaml("")->empty());
}

TEST_CASE("JSON is YAML too") {
  CHECK(one(R"({"a": [1, "x", {"b": null}], "c": "\u00e9\n"})") ==
        json::parse(R"({"a":[1,"x",{"b":null}],"c":"é\n"})"));
}

TEST_CASE("anchors stand for their values") {
  CHECK(one("a: &x [1, {b: 2}]\nc: *x\nd: &y 5\ne: *y") ==
        json::parse(R"({"a":[1,{"b":2}],"c":[1,{"b":2}],"d":5,"e":5})"));
}

TEST_CASE("alias expansion is bounded") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 9; ++j) bomb += ", " + last;
    bomb += "]\n";
  }
  CHECK(why_not(bomb).find("200000 values") != std::string::npos);
}

TEST_CASE("depth is bounded, through aliases too") {
  CHECK(why_not(std::string(65, '[') + std::string(65, ']')).find("deeper than 64") != std::string::npos);
  CHECK_FALSE(parse_yaml(std::string(100'000, '[')).ok());
  std::string nested = "a: &a " + std::string(40, '[') + std::string(40, ']') + "\nb: ";
  nested += std::string(40, '[') + "*a" + std::string(40, ']');
  CHECK(why_not(nested).find("deep") != std::string::npos);
  CHECK_FALSE(parse_json(std::string(100, '[') + std::string(100, ']')).ok());
}

TEST_CASE("size is bounded") {
  CHECK(why_not("a: 12345678", {.bytes = 5}).find("larger than 5 bytes") != std::string::npos);
  CHECK_FALSE(parse_json("[1,2,3,4]", {.bytes = 5}).ok());
}

TEST_CASE("what is wrong is named with its line") {
  CHECK(why_not("a: 1\nb: 2\na: 3").find("line 3") == 0);
  CHECK(why_not("a: 1\nb: 2\na: 3").find("\"a\" occurs twice") != std::string::npos);
  CHECK(why_not("a: [1, 2").find("line") == 0);
  CHECK(why_not("? [a]\n: 1").find("key must be a scalar") != std::string::npos);
  CHECK(why_not("a: *nowhere").find("line 1") == 0);
  CHECK(why_not("a: {<<: {b: 1}}").find("merge keys") != std::string::npos);
  CHECK(why_not("a: \"\xff\"").find("UTF-8") != std::string::npos);
}

TEST_CASE("an alias inside its own value is refused") {
  CHECK_FALSE(parse_yaml("a: &x [1, *x]").ok());
}

TEST_CASE("YAML that was written reads as what it was") {
  const json values = json::parse(R"({
    "strings": ["", "plain", "5", "0x1f", "1e3", "true", "Null", "yes", "a: b", "- x", "#c", "a #c", "'", "\"", " lead",
                "trail ", "\u0000", "\u001b[1m", "é", "日本", "🙂", "*a", "&a", "!t", "%x", "@x", "`x", "|", ">", "a\tb", "~",
                "0755", "-", ".", "..", "---", "...", "<<", "?", "\u2028", "\u0085", "\u007f", "\ufeff"],
    "texts": ["one\n", "one\ntwo\n", "one\n\n  two\n", "one\ntwo", " one\ntwo\n", "one\ntwo\n\n", "a\r\nb\r\n", "#!/bin/sh\necho: 1\n"],
    "numbers": [0, -1, 1.5, 18446744073709551615, -9223372036854775808, 1e300],
    "empty": [{}, [], null], "nested": [[1, [2, {"a": {"b": [{"c": 1, "d": [1]}]}}]], [[]]],
    "text": "key\nvalue\n", "yes": false, "1": 1, "a b": {"": ""}
  })");
  const std::string text = to_yaml(values);
  INFO(text);
  CHECK(one(text) == values);
  for (const json& value : values["strings"]) {
    CAPTURE(value.dump());
    CHECK(one(to_yaml(value)) == value);
  }
}

TEST_CASE("YAML is written as a person would") {
  CHECK(to_yaml(json::parse(
            R"({"kind":"a.b/C","spec":{"list":[{"name":"x","size":1},{"name":"y"}],"text":"a\nb\n","none":{}}})")) ==
        "kind: a.b/C\n"
        "spec:\n"
        "  list:\n"
        "  - name: x\n"
        "    size: 1\n"
        "  - name: \"y\"\n"
        "  none: {}\n"
        "  text: |\n"
        "    a\n"
        "    b\n");
}

TEST_CASE("keys of any length are written so that they read the same") {
  for (const size_t length : {999, 1'001, 5'000}) {
    const std::string key(length, 'k');
    for (const json& child : {json(1), json("a\nb\n"), json{{"x", 1}}, json::array({1, json{{"y", 2}}})}) {
      const json value = {{key, child}, {"z", json::array({json{{key, child}, {"w", 1}}})}};
      CAPTURE(length, child.dump());
      CHECK(one(to_yaml(value)) == value);
    }
  }
}
