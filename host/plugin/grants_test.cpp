#include "host/plugin/grants.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::plugin;

TEST_CASE("what was granted, and less, is not more") {
  Permissions granted;
  granted.grant.call = {"a.v1.A", "b.v1.B"};
  granted.grant.resources = {{"*", {"get", "list"}}, {"a/Thing", {"*"}}};
  granted.kernel.network = "all";
  granted.kernel.memory_bytes = 100;
  CHECK(beyond(granted, granted).empty());
  Permissions less;
  less.grant.call = {"b.v1.B"};
  less.grant.resources = {{"a/Thing", {"get", "delete"}}, {"b/Other", {"list"}}};
  less.kernel.network = "loopback";
  CHECK(beyond(less, granted).empty());
  CHECK(beyond({}, granted).empty());
  CHECK(beyond({}, {}).empty());
}

TEST_CASE("each thing that is more is named") {
  Permissions asked;
  asked.grant.call = {"a.v1.A"};
  asked.grant.state = {"x/"};
  asked.grant.publish = {"a.>"};
  asked.grant.subscribe = {"b.*"};
  asked.grant.resources = {{"a/Thing", {"get", "delete"}}};
  asked.grant.blobs = true;
  asked.kernel = {"all", {"rw:/a"}, {"/dev/x"}, 1, 2, 3};
  Permissions granted;
  granted.grant.resources = {{"*", {"get"}}};
  granted.kernel.paths = {"ro:/a"};
  CHECK(beyond(asked, granted) == std::vector<std::string>{"call a.v1.A", "state x/", "publish a.>", "subscribe b.*",
                                                           "resources delete a/Thing", "blobs", "network all",
                                                           "paths rw:/a", "memory_bytes 1", "threads 2",
                                                           "cpu_percent 3", "devices /dev/x"});
}
