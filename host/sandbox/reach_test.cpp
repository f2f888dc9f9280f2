#include "host/sandbox/reach.h"

#include <arpa/inet.h>

#include <catch2/catch.hpp>
#include <cstring>

using namespace novacron::host;
using namespace novacron::host::sandbox;

namespace {

SocketAddress at(const std::string& host, uint16_t port) {
  SocketAddress address;
  sockaddr_in in4{};
  sockaddr_in6 in6{};
  in4.sin_family = AF_INET;
  in6.sin6_family = AF_INET6;
  in4.sin_port = in6.sin6_port = htons(port);
  const bool is_v4 = ::inet_pton(AF_INET, host.c_str(), &in4.sin_addr) == 1;
  if (!is_v4) REQUIRE(::inet_pton(AF_INET6, host.c_str(), &in6.sin6_addr) == 1);
  address.size = is_v4 ? sizeof(in4) : sizeof(in6);
  std::memcpy(&address.storage, is_v4 ? static_cast<void*>(&in4) : &in6, address.size);
  return address;
}

Reach reach_of(const std::string& permission) {
  auto reach = Reach::parse(permission);
  REQUIRE(reach.ok());
  return *std::move(reach);
}

bool allows(const Reach& reach, const std::string& host, uint16_t port) {
  return reach.target(at(host, port)).has_value();
}

}  // namespace

TEST_CASE("an address is reached at the port that was granted, whatever it is written like") {
  const Reach reach = reach_of("192.0.2.1:443,[2001:db8::1]:80");
  CHECK(allows(reach, "192.0.2.1", 443));
  CHECK(allows(reach, "::ffff:192.0.2.1", 443));
  CHECK(allows(reach, "2001:db8::1", 80));
  CHECK_FALSE(allows(reach, "192.0.2.1", 80));
  CHECK_FALSE(allows(reach, "192.0.2.2", 443));
  CHECK_FALSE(allows(reach, "2001:db8::1", 443));
  CHECK_FALSE(allows(reach, "127.0.0.1", 443));
}

TEST_CASE("loopback is all of the machine's own, and nothing else") {
  const Reach reach = reach_of("loopback");
  for (const char* own : {"127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.1"}) CHECK(allows(reach, own, 1));
  for (const char* other : {"0.0.0.0", "::", "128.0.0.1", "10.0.0.1", "198.18.0.1"})
    CHECK_FALSE(allows(reach, other, 1));
}

TEST_CASE("a name is reached by the address that stands for it") {
  const Reach reach = reach_of("db.example:5432,db.example:80,cache.example:80");
  CHECK(reach.hosts_file() ==
        "127.0.0.1 localhost\n::1 localhost\n198.18.0.1 db.example\n100::1 db.example\n"
        "198.18.0.2 cache.example\n100::2 cache.example\n");
  const auto first = reach.target(at("198.18.0.1", 5432));
  REQUIRE(first);
  CHECK((first->name == "db.example" && first->port == 5432));
  CHECK(reach.target(at("100::2", 80))->name == "cache.example");
  CHECK_FALSE(allows(reach, "198.18.0.2", 5432));
  CHECK_FALSE(allows(reach, "198.18.0.3", 80));
  CHECK_FALSE(allows(reach, "198.18.0.0", 80));
  CHECK(reach_of("localhost:80").hosts_file() == "198.18.0.1 localhost\n100::1 localhost\n");
}

TEST_CASE("the addresses of a name fit the socket") {
  const auto four = addresses_of({"localhost", 80}, AF_INET);
  REQUIRE_FALSE(four.empty());
  CHECK(text_of(four[0]) == "127.0.0.1:80");
  for (const auto& address : addresses_of({"localhost", 80}, AF_INET6)) CHECK(address.storage.ss_family == AF_INET6);
  CHECK(addresses_of({"no-such-name.invalid", 80}, AF_INET).empty());
}

TEST_CASE("what is no place of the network is refused with the reason") {
  for (const char* text : {"", "some", "db.example", "db.example:", "db.example:0", "db.example:65536",
                           "db.example:80x", ":80", "loopback,", "db example:80", "2001:db8::1:80", "[192.0.2.1]:80",
                           "[db.example]:80", "[::1:80", "db\n.example:80", "none", "all", "loopback:80,all"}) {
    CAPTURE(text);
    const auto reach = Reach::parse(text);
    REQUIRE_FALSE(reach.ok());
    CHECK(reach.error().reason == "sandbox.network");
  }
  std::string many = "a:1";
  for (size_t i = 0; i < kMaxDestinations; ++i) many += ",a:1";
  CHECK_FALSE(Reach::parse(many).ok());
}

TEST_CASE("an address of another kind, or cut off, leads nowhere") {
  const Reach reach = reach_of("loopback,192.0.2.1:1");
  SocketAddress cut = at("127.0.0.1", 1);
  cut.size = 4;
  CHECK_FALSE(reach.target(cut));
  SocketAddress none;
  CHECK_FALSE(reach.target(none));
  CHECK(text_of(none) == "an address of another kind");
}
