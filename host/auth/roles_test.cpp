#include "host/auth/roles.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::auth;

namespace {

const std::string kKind = "example/Widget";

std::shared_ptr<const Grant> grant(std::string plugin, std::string kind, std::vector<std::string> verbs) {
  auto made = std::make_shared<Grant>();
  made->plugin = std::move(plugin);
  made->resources.push_back({std::move(kind), std::move(verbs)});
  return made;
}

Context context(Identity identity, std::vector<std::shared_ptr<const Grant>> chain = {}) {
  Context made;
  made.identity = std::move(identity);
  made.chain = std::move(chain);
  return made;
}

const RoleAuthorizer& authorizer() {
  static const RoleAuthorizer kAuthorizer(
      [](std::string_view kind, std::string_view verb) { return kind == kKind && verb == "inspect"; });
  return kAuthorizer;
}

bool may(const Context& who, std::string verb, std::string tenant = "blue", std::string kind = kKind) {
  return authorizer().authorize(who, {std::move(verb), std::move(kind), std::move(tenant), "w1"}).ok();
}

const Identity kAdmin{"user:a", "", {"admin"}};
const Identity kViewer{"user:v", "", {"viewer"}};
const Identity kBlueAdmin{"user:b", "blue", {"admin"}};
const Identity kNobody{"user:n", "", {}};
const Identity kPlugin{"plugin:p", "", {}};

}  // namespace

TEST_CASE("Rights of identities, verb by verb") {
  struct Row {
    const char* verb;
    bool admin, viewer, blue_admin, nobody;
  };
  const Row rows[] = {
      {"get", true, true, true, false},     {"list", true, true, true, false},
      {"watch", true, true, true, false},   {"create", true, false, true, false},
      {"update", true, false, true, false}, {"update_status", true, false, true, false},
      {"delete", true, false, true, false}, {"start", true, false, true, false},
      {"inspect", true, true, true, false},
  };
  for (const auto& row : rows) {
    INFO(row.verb);
    CHECK(may(context(kAdmin), row.verb) == row.admin);
    CHECK(may(context(kViewer), row.verb) == row.viewer);
    CHECK(may(context(kBlueAdmin), row.verb) == row.blue_admin);
    CHECK(may(context(kNobody), row.verb) == row.nobody);
  }
}

TEST_CASE("A token of one tenant reaches neither another tenant nor what all share") {
  CHECK(may(context(kBlueAdmin), "get", "blue"));
  CHECK_FALSE(may(context(kBlueAdmin), "get", "red"));
  CHECK_FALSE(may(context(kBlueAdmin), "list", ""));
}

TEST_CASE("The host itself may do everything") {
  CHECK(authorizer().authorize(*host_context("n1"), {"delete", kKind, "blue", "w1"}).ok());
}

TEST_CASE("A call through a plugin needs the user's right and the plugin's") {
  CHECK(may(context(kAdmin, {grant("p", kKind, {"create"})}), "create"));
  CHECK_FALSE(may(context(kAdmin, {grant("p", kKind, {"get"})}), "create"));
  CHECK_FALSE(may(context(kViewer, {grant("p", kKind, {"create"})}), "create"));
}

TEST_CASE("Every plugin in the chain needs the right") {
  CHECK(may(context(kAdmin, {grant("p", kKind, {"*"}), grant("q", "*", {"create"})}), "create"));
  CHECK_FALSE(may(context(kAdmin, {grant("p", kKind, {"*"}), grant("q", "other/Kind", {"*"})}), "create"));
}

TEST_CASE("What a plugin starts by itself has the rights of its grant") {
  CHECK(may(context(kPlugin, {grant("p", kKind, {"update"})}), "update"));
  CHECK_FALSE(may(context(kPlugin, {grant("p", kKind, {"update"})}), "delete"));
}

TEST_CASE("A plugin without its own grant in the chain may do nothing") {
  CHECK_FALSE(may(context(kPlugin), "get"));
  CHECK_FALSE(may(context(kPlugin, {grant("q", "*", {"*"})}), "get"));
}

TEST_CASE("A refusal says who lacks what and what would help") {
  const auto viewer = authorizer().authorize(context(kViewer), {"create", kKind, "blue", "w1"}).error();
  CHECK(viewer.code == Code::kPermissionDenied);
  CHECK(viewer.reason == "auth.denied");
  CHECK(
      viewer.message ==
      "user:v lacks \"create\" on example/Widget \"w1\" of tenant blue: the role viewer only reads; the role admin is "
      "needed");
  const auto plugin = authorizer().authorize(context(kAdmin, {grant("p", kKind, {})}), {"get", kKind, "", ""}).error();
  CHECK(plugin.message.find("plugin p lacks \"get\" on example/Widget") == 0);
  CHECK(plugin.message.find("spec.granted.resources") != std::string::npos);
}
