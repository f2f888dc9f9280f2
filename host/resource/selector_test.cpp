#include "host/resource/selector.h"

#include <catch2/catch.hpp>

#include "host/resource/keys.h"

namespace novacron::host::resource {

TEST_CASE("a selector matches what its requirements say") {
  const Labels web = {{"app", "web"}, {"env", "a"}, {"example.com/team", "blue"}};
  const auto matches = [&web](std::string_view text) { return Selector::parse(text).value().matches(web); };
  CHECK(matches(""));
  CHECK(matches("app"));
  CHECK(matches("app=web"));
  CHECK(matches("app == web"));
  CHECK(matches("app=web,env in (a,b),!old,tier!=db,env notin (c)"));
  CHECK(matches(" example.com/team = blue , app "));
  CHECK_FALSE(matches("app=db"));
  CHECK_FALSE(matches("app!=web"));
  CHECK_FALSE(matches("!app"));
  CHECK_FALSE(matches("env notin (a)"));
  CHECK_FALSE(matches("env in (b)"));
  CHECK_FALSE(matches("none in (b)"));
  CHECK_FALSE(matches("none="));
}

TEST_CASE("a selector that is none is refused") {
  for (const auto* bad : {",", "a,", "=a", "a=b=c", "a in b", "a in (b", "a in ()x", "a(b)", "a b", "!a=b", "a=ü", "-a",
                          "a/b/c", "/a", "a/", "a=-b", "in (a)"}) {
    CAPTURE(bad);
    const auto selector = Selector::parse(bad);
    REQUIRE_FALSE(selector.ok());
    CHECK(selector.error().reason == "selector.invalid");
  }
  CHECK_FALSE(Selector::parse(std::string(kMaxSelectorBytes + 1, 'a')).ok());
  std::string many = "a";
  for (size_t i = 0; i < kMaxRequirements; ++i) many += ",a";
  CHECK_FALSE(Selector::parse(many).ok());
}

TEST_CASE("labels have at most 63 characters, their prefixes 253") {
  const std::string name(63, 'a');
  const std::string prefix(253, 'b');
  CHECK(is_label_key(prefix + "/" + name));
  CHECK_FALSE(is_label_key(prefix + "/" + name + "a"));
  CHECK_FALSE(is_label_key("b" + prefix + "/" + name));
  CHECK_FALSE(is_label_key(""));
  CHECK(is_label_value(""));
  CHECK(is_label_value(name));
  CHECK_FALSE(is_label_value(name + "a"));
}

TEST_CASE("a key says which object and which part it is of") {
  const ObjectRef ref{"shop/Robot", "a", "r1"};
  CHECK(spec_key(ref) == "resource/shop/Robot/a/r1/spec");
  const auto parsed = parse_object_key(status_key({"shop/Station", "", "s1"}));
  REQUIRE(parsed.ok());
  CHECK(parsed->ref.kind == "shop/Station");
  CHECK(parsed->ref.tenant.empty());
  CHECK(parsed->part == ParsedKey::Part::kStatus);
  for (const auto* bad :
       {"", "resource/a/b/c/d", "resource/a/b/c/d/spec/e", "other/a/b/c/d/spec", "resource/a/b/c/d/x"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_object_key(bad).ok());
  }
}

}  // namespace novacron::host::resource
