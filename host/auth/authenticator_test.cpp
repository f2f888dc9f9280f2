#include "host/auth/authenticator.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "host/auth/auth_test_folder.h"
#include "host/base/fd.h"
#include "host/base/file.h"

using namespace novacron::host;
using namespace novacron::host::auth;

namespace {

constexpr uid_t kDaemonUid = 990;

struct Fixture {
  Fixture() : opened(BootstrapCredential::open(folder.path + "/bootstrap").value()) {}
  TestFolder folder;
  TestClock clock;
  BootstrapCredential::Opened opened;
  std::unique_ptr<Tokens> tokens = Tokens::create({folder.path + "/token.key", clock}).value();
  Authenticator authenticator{{*tokens, opened.credential, kDaemonUid, clock}};
  const Peer remote{"192.0.2.1", {}};
  const Peer other{"192.0.2.2", {}};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "The bootstrap credential is shown once and kept as a hash") {
  REQUIRE(opened.secret);
  CHECK(opened.secret->size() == 67);
  CHECK(read_file(folder.path + "/bootstrap", 1'000).value().find(opened.secret->substr(3)) == std::string::npos);
  const auto again = BootstrapCredential::open(folder.path + "/bootstrap").value();
  CHECK_FALSE(again.secret);
  CHECK(again.credential.matches(*opened.secret));
  CHECK_FALSE(again.credential.matches(*opened.secret + "0"));
  CHECK_FALSE(again.credential.matches(""));
}

TEST_CASE_METHOD(Fixture, "A damaged credential file is refused instead of replaced") {
  REQUIRE(write_file(folder.path + "/bootstrap", "sha256:short", 0600).ok());
  CHECK(BootstrapCredential::open(folder.path + "/bootstrap").error().reason == "auth.credential-file");
}

TEST_CASE_METHOD(Fixture, "Without a token only root and the daemon's user on the local socket are let in") {
  CHECK(authenticator.authenticate(remote, "").error().reason == "auth.required");
  CHECK(authenticator.authenticate({"unix", 1'000}, "").error().reason == "auth.required");
  CHECK(authenticator.authenticate({"unix", 0}, "").value().roles == std::vector<std::string>{"admin"});
  CHECK(authenticator.authenticate({"unix", kDaemonUid}, "").value().principal == "local:990");
}

TEST_CASE_METHOD(Fixture, "A bad token is refused on the local socket too, instead of passing as root") {
  CHECK(authenticator.authenticate({"unix", 0}, "Bearer nonsense").error().reason == "auth.token-invalid");
  CHECK(authenticator.authenticate({"unix", 0}, "Basic abc").error().reason == "auth.scheme");
}

TEST_CASE_METHOD(Fixture, "The credential is exchanged for a token that lives as long as asked") {
  TokenRequest request{*opened.secret};
  request.lifetime_s = 60;
  const auto token = authenticator.login(remote, request).value();
  CHECK(token.expires_at_s == clock.real_ns() / 1'000'000'000 + 60);
  const auto identity = authenticator.authenticate(remote, "Bearer " + token.text).value();
  CHECK(identity.principal == "user:admin");
  CHECK(identity.roles == std::vector<std::string>{"admin"});
}

TEST_CASE_METHOD(Fixture, "The local administrator gets a token for a viewer of one tenant") {
  TokenRequest request;
  request.user = "bob";
  request.role = "viewer";
  request.tenant = "blue";
  CHECK(authenticator.login(remote, request).error().reason == "auth.required");
  const auto token = authenticator.login({"unix", 0}, request).value();
  const auto identity = authenticator.authenticate(remote, "Bearer " + token.text).value();
  CHECK(identity.principal == "user:bob");
  CHECK(identity.tenant == "blue");
  CHECK(identity.roles == std::vector<std::string>{"viewer"});
}

TEST_CASE_METHOD(Fixture, "A request for an unknown role or a strange user name is refused by field") {
  TokenRequest request{*opened.secret};
  request.role = "root";
  request.user = "a b";
  const auto error = authenticator.login(remote, request).error();
  CHECK(error.reason == "field.invalid");
  REQUIRE(error.fields.size() == 2);
  CHECK(error.fields[0].path == "user");
  CHECK(error.fields[1].path == "role");
}

TEST_CASE_METHOD(Fixture, "After five failures even the right credential has to wait, from that place alone") {
  TokenRequest wrong{"nc-wrong"};
  for (uint32_t i = 0; i < kMaxLoginFailures; ++i)
    CHECK(authenticator.login(remote, wrong).error().reason == "auth.credential");
  const TokenRequest right{*opened.secret};
  const auto refused = authenticator.login(remote, right).error();
  CHECK(refused.reason == "auth.too-many-failures");
  CHECK(refused.retry_after_ns == kLoginWindowNs);
  CHECK(authenticator.login(other, right).ok());
  clock.advance_s(60);
  CHECK(authenticator.login(remote, right).ok());
}

TEST_CASE("The number of places whose failures are remembered is bounded") {
  TestClock clock;
  FailureLimit limit(clock);
  for (uint32_t i = 0; i < kMaxLoginFailures; ++i) limit.failed("first");
  CHECK_FALSE(limit.admit("first").ok());
  clock.advance_s(1);
  for (size_t i = 0; i < kMaxTrackedPeers; ++i) limit.failed(std::to_string(i));
  CHECK(limit.admit("first").ok());  // the oldest made room
}

TEST_CASE("The kernel says who is at the other end of a Unix socket") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const Fd one(ends[0]), two(ends[1]);
  CHECK(peer_uid(one.get()).value() == ::geteuid());
  CHECK_FALSE(peer_uid(-1).ok());
}
