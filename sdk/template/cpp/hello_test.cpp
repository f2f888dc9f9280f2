#include "hello.h"

#include <novacron/testing/host.h>

#include <catch2/catch.hpp>

using example::hello::v1::GreeterClient;
using example::hello::v1::Hello;

TEST_CASE("it greets whoever asks by name") {
  novacron::testing::Host host;
  const auto plugin = host.load<Hello>();
  REQUIRE(plugin.ok());
  const auto reply = GreeterClient(host.client()).greet({.name = "you"});
  REQUIRE(reply.ok());
  CHECK(reply->text == "Hello, you!");
}
