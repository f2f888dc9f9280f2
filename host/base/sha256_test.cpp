#include "host/base/sha256.h"

#include <catch2/catch.hpp>

using namespace novacron::host;

TEST_CASE("digests are those of FIPS 180-2, in one piece or several") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 digest;
  digest.update("a");
  digest.update("bc");
  CHECK(digest.finish_hex() == sha256_hex("abc"));
}
