#include "host/auth/token.h"

#include <jwt.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "host/auth/auth_test_folder.h"
#include "host/auth/openssl.h"
#include "host/base/file.h"

using namespace novacron::host;
using namespace novacron::host::auth;

namespace {

const Identity kAlice{"user:alice", "blue", {"viewer"}};

struct Fixture {
  Fixture() : tokens(Tokens::create({key_file(), clock, &revocations}).value()) {}
  std::string key_file() const { return folder.path + "/token.key"; }

  struct Revoked : Revocations {
    bool revoked(std::string_view id) const override { return id == only; }
    std::string only;
  };
  TestFolder folder;
  TestClock clock;
  Revoked revocations;
  std::unique_ptr<Tokens> tokens;
};

/// A token with any algorithm, key and header, as a forger would make it.
std::string forge(jwt_alg_t algorithm, const std::string& key, const std::string& key_id, long expires_at_s) {
  jwt_t* jwt = nullptr;
  REQUIRE(jwt_new(&jwt) == 0);
  jwt_add_grant(jwt, "iss", "novacron");
  jwt_add_grant(jwt, "sub", "user:mallory");
  jwt_add_grant(jwt, "jti", "1");
  jwt_add_grant_int(jwt, "exp", expires_at_s);
  jwt_add_header(jwt, "kid", key_id.c_str());
  const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
  REQUIRE(jwt_set_alg(jwt, algorithm, key.empty() ? nullptr : bytes, static_cast<int>(key.size())) == 0);
  char* text = jwt_encode_str(jwt);
  REQUIRE(text != nullptr);
  std::string token = text;
  free(text);
  jwt_free(jwt);
  return token;
}

struct ForgeFixture : Fixture {
  ForgeFixture() {
    private_key = read_file(key_file(), 10'000).value();
    public_key = public_pem(*read_private_pem(private_key).value()).value();
    key_id = sha256_hex(public_key).substr(0, 16);
    later_s = static_cast<long>(clock.real_ns() / 1'000'000'000 + 100);
  }
  std::string private_key;
  std::string public_key;
  std::string key_id;
  long later_s = 0;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "An expired token is refused from its very second on") {
  const auto token = tokens->issue(kAlice, 10).value();
  clock.advance_s(9);
  CHECK(tokens->verify(token.text).ok());
  clock.advance_s(1);
  CHECK(tokens->verify(token.text).error().reason == "auth.token-expired");
}

TEST_CASE_METHOD(Fixture, "A token with any one character changed is refused") {
  const auto token = tokens->issue(kAlice, 10).value();
  for (size_t at = 0; at < token.text.size(); at += 7) {
    std::string changed = token.text;
    changed[at] = changed[at] == 'B' ? 'C' : 'B';
    INFO("at " << at);
    CHECK(tokens->verify(changed).error().code == Code::kUnauthenticated);
  }
}

TEST_CASE_METHOD(ForgeFixture, "A token signed by HMAC with the public key is refused") {
  CHECK(tokens->verify(forge(JWT_ALG_HS256, public_key, key_id, later_s)).error().reason == "auth.token-invalid");
}

TEST_CASE_METHOD(ForgeFixture, "A token without a signature is refused") {
  CHECK(tokens->verify(forge(JWT_ALG_NONE, "", key_id, later_s)).error().reason == "auth.token-invalid");
}

TEST_CASE_METHOD(ForgeFixture, "A token of another key is refused, even when it names ours") {
  const auto other = private_pem(*make_key().value()).value();
  CHECK(tokens->verify(forge(JWT_ALG_ES256, other, key_id, later_s)).error().reason == "auth.token-invalid");
}

TEST_CASE_METHOD(ForgeFixture, "A token of our key that names another key is refused") {
  CHECK(tokens->verify(forge(JWT_ALG_ES256, private_key, "0000000000000000", later_s)).error().reason ==
        "auth.token-invalid");
  CHECK(tokens->verify(forge(JWT_ALG_ES256, private_key, key_id, later_s)).ok());
}

TEST_CASE_METHOD(Fixture, "Text that is no token is refused") {
  for (const char* text : {"", ".", "..", "a.b.c", "eyJhbGciOiJFUzI1NiJ9..", "eyJhbGciOiJFUzI1NiJ9.e30."}) {
    INFO(text);
    CHECK(tokens->verify(text).error().reason == "auth.token-invalid");
  }
  CHECK(tokens->verify(std::string(kMaxTokenBytes + 1, 'a')).error().reason == "auth.token-invalid");
}

TEST_CASE_METHOD(Fixture, "A revoked token is refused, others are not") {
  const auto first = tokens->issue(kAlice, 10).value();
  const auto second = tokens->issue(kAlice, 10).value();
  revocations.only = first.id;
  CHECK(tokens->verify(first.text).error().reason == "auth.token-revoked");
  CHECK(tokens->verify(second.text).ok());
}

TEST_CASE_METHOD(Fixture, "A lifetime of nothing or beyond the limit is refused") {
  CHECK(tokens->issue(kAlice, 0).error().reason == "auth.ttl");
  CHECK(tokens->issue(kAlice, kMaxTokenSeconds + 1).error().reason == "auth.ttl");
  CHECK(tokens->issue(kAlice, kMaxTokenSeconds).ok());
}

TEST_CASE_METHOD(Fixture, "A token says who it was issued to, also after a restart") {
  const auto token = tokens->issue(kAlice, 10).value();
  tokens = Tokens::create({key_file(), clock, nullptr}).value();
  const auto claims = tokens->verify(token.text).value();
  CHECK(claims.identity.principal == "user:alice");
  CHECK(claims.identity.tenant == "blue");
  CHECK(claims.identity.roles == std::vector<std::string>{"viewer"});
  CHECK(claims.id == token.id);
  CHECK(claims.expires_at_s == token.expires_at_s);
}

TEST_CASE_METHOD(Fixture, "The signing key is readable by its owner alone") {
  struct stat status {};
  REQUIRE(::stat(key_file().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}
