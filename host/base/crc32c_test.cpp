#include "host/base/crc32c.h"

#include <random>
#include <string>

#include <catch2/catch.hpp>

using namespace novacron::host;

TEST_CASE("crc32c gives the values of the standard") {
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xe3069283);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43);
}

TEST_CASE("crc32c is the same with and without the instruction, and in pieces") {
  std::mt19937_64 random(1);
  for (size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const auto seed = static_cast<uint32_t>(random());
    CHECK(crc32c(bytes, seed) == crc32c_portable(bytes, seed));
    const size_t cut = size == 0 ? 0 : random() % size;
    CHECK(crc32c(bytes.substr(cut), crc32c(bytes.substr(0, cut))) == crc32c(bytes));
  }
}
