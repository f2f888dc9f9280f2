#include "host/cli/redact.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace novacron::host::cli;
using nlohmann::json;

TEST_CASE("names that say that their value is a secret are known in every spelling") {
  for (const char* name : {"password", "db_password", "API-Token", "clientSecret", "private_key", "Authorization"})
    CHECK(is_secret_name(name));
  for (const char* name : {"name", "digest", "key", "passed", "sequence"}) CHECK_FALSE(is_secret_name(name));
}

TEST_CASE("what looks like a secret is masked in a text, and nothing beside it") {
  const std::string credential = "nc-" + std::string(64, 'a');
  const std::string jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl-_x";
  CHECK(redacted("the credential is " + credential + ", shown once") == "the credential is ***, shown once");
  CHECK(redacted("got " + jwt + " from") == "got *** from");
  CHECK(redacted("Authorization: Bearer " + jwt) == "Authorization: Bearer ***");
  CHECK(redacted("curl -H 'X: Basic dXNlcjpwYXNz' /") == "curl -H 'X: Basic *** /");
  CHECK(redacted("https://alice:pa@ss@example.org:1/a@b") == "https://***@example.org:1/a@b");
  CHECK(redacted("https://example.org/a@b") == "https://example.org/a@b");
  CHECK(redacted("a\n-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----\nb") == "a\n***\nb");
  CHECK(redacted("-----BEGIN PRIVATE KEY-----\nMIIB") == "***");
  CHECK(redacted(R"("key":"a\n-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----\n")") ==
        R"("key":"a\n***\n")");
  CHECK(redacted("-----BEGIN CERTIFICATE-----\nMIIB") == "-----BEGIN CERTIFICATE-----\nMIIB");
}

TEST_CASE("the value behind a secret name is masked however it is written") {
  CHECK(redacted("login password=hunter2 user=al") == "login password=*** user=al");
  CHECK(redacted("db_password = \"hunter 2 \\\" x\", user") == "db_password = ***, user");
  CHECK(redacted(R"({"apiToken": "abc", "n": 1})") == R"({"apiToken": ***, "n": 1})");
  CHECK(redacted("token: 'a b' c") == "token: *** c");
  CHECK(redacted("secret=") == "secret=");
  CHECK(redacted("token=\"unfinished") == "token=***");
  CHECK(redacted("secrets are kept") == "secrets are kept");
  CHECK(redacted("").empty());
}

TEST_CASE("in JSON secret names hide whatever they have, and configurations are hidden whole") {
  const json value = json::parse(R"({"spec":{"config_json":"{\"a\":1}","password":{"x":["y"]},"empty_token":"",
    "has_secret":true,"note":"password=hunter2"},"list":[{"token":5}],"n":1.5,"none":null})");
  CHECK(redacted_json(value) == json::parse(R"({"spec":{"config_json":"***","password":"***","empty_token":"",
    "has_secret":true,"note":"password=***"},"list":[{"token":"***"}],"n":1.5,"none":null})"));
}
