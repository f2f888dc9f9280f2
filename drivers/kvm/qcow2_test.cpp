#include "qcow2.h"

#include <catch2/catch.hpp>

#include <string>

using namespace novacron;
using namespace novacron::kvm;

namespace {

constexpr uint64_t kFileBytes = 4 * 65'536;

/// A header as qemu-img writes it for an empty image of 1 GiB; tests change what they are about.
class Header {
 public:
  explicit Header(uint32_t version = 3) : bytes_(kQcow2HeadMaxBytes, '\0') {
    bytes_.replace(0, 4, "QFI\xfb");
    put(4, 4, version);
    put(20, 4, 16);
    put(24, 8, 1u << 30);
    put(36, 4, 2);
    put(40, 8, 3 * 65'536);
    put(48, 8, 65'536);
    put(56, 4, 1);
    if (version == 3) {
      put(96, 4, 4);
      put(100, 4, 104);
    }
  }
  Header& put(size_t offset, size_t width, uint64_t value) {
    for (size_t i = 0; i < width; ++i) bytes_[offset + i] = static_cast<char>(value >> (8 * (width - 1 - i)));
    return *this;
  }
  Header& extension(uint32_t type, uint32_t length) { return put(104, 4, type).put(108, 4, length); }
  Result<Qcow2Header> check() const { return check_qcow2(bytes_, kFileBytes); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

void check_refused(const Header& header, const std::string& why) {
  const auto result = header.check();
  CAPTURE(why);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().reason == "compute.image-refused");
  CHECK(result.code() == Code::kFailedPrecondition);
  CHECK(result.error().message.find(why) != std::string::npos);
}

}  // namespace

TEST_CASE("a plain qcow2 image is accepted in both versions") {
  for (const uint32_t version : {2u, 3u}) {
    const auto header = Header(version).check();
    REQUIRE(header.ok());
    CHECK(header->version == version);
    CHECK(header->virtual_size_bytes == 1u << 30);
  }
}

TEST_CASE("an image that leads to another file is refused") {
  check_refused(Header().put(8, 8, 200), "backing file");
  check_refused(Header().put(16, 4, 11), "backing file");
  check_refused(Header().put(72, 8, 1u << 2), "another file");
  check_refused(Header().extension(0xe2792aca, 5), "backing file's format");
  check_refused(Header().extension(0x44415441, 11), "data file");
}

TEST_CASE("a forbidden extension is found behind an allowed one") {
  Header header;
  header.extension(0x6803f857, 20);  // feature names, padded to 24
  header.put(104 + 8 + 24, 4, 0x44415441).put(104 + 8 + 28, 4, 3);
  check_refused(header, "data file");
}

TEST_CASE("encrypted, damaged and unknown images are refused") {
  check_refused(Header().put(32, 4, 1), "encrypted");
  check_refused(Header().put(32, 4, 2), "encrypted");
  check_refused(Header().extension(0x0537be77, 16), "encrypted");
  check_refused(Header().put(72, 8, 1u << 0), "damaged");
  check_refused(Header().put(72, 8, 1u << 1), "damaged");
  check_refused(Header().put(72, 8, uint64_t{1} << 63), "features unknown");
  check_refused(Header().extension(0x12345678, 8), "extension unknown");
}

TEST_CASE("compression and extended L2 entries are properties of the file itself") {
  CHECK(Header().put(72, 8, (1u << 3) | (1u << 4)).check().ok());
}

TEST_CASE("a header that lies about its lengths is refused") {
  check_refused(Header().put(4, 4, 1), "version");
  check_refused(Header().put(4, 4, 4), "version");
  check_refused(Header().put(100, 4, 72), "wrong length");
  check_refused(Header().put(100, 4, 105), "wrong length");
  check_refused(Header().put(100, 4, 0xffffffff), "wrong length");
  check_refused(Header().put(20, 4, 8), "cluster size");
  check_refused(Header().put(20, 4, 22), "cluster size");
  check_refused(Header().put(24, 8, uint64_t{1} << 51), "1 PiB");
  check_refused(Header().put(96, 4, 7), "reference counts");
  check_refused(Header().put(60, 4, 70'000), "snapshots");
  check_refused(Header().extension(0x6803f857, 0xffffffff), "do not end");
  check_refused(Header().extension(0x6803f857, 65'536 - 112), "do not end");
  check_refused(Header().put(20, 4, 9).put(100, 4, 1'024), "do not end");
}

TEST_CASE("tables outside the file are refused") {
  check_refused(Header().put(40, 8, 3 * 65'536 + 512), "outside");
  check_refused(Header().put(40, 8, uint64_t{1} << 62), "outside");
  check_refused(Header().put(48, 8, kFileBytes), "outside");
  check_refused(Header().put(56, 4, 0xffffffff), "outside");
  check_refused(Header().put(36, 4, 0xffffffff), "too long");
}

TEST_CASE("what is no qcow2 is refused, however short") {
  const std::string bytes = Header().bytes();
  for (const size_t length : {size_t{0}, size_t{4}, size_t{71}, size_t{72}, size_t{103}})
    CHECK_FALSE(check_qcow2(bytes.substr(0, length), length).ok());
  CHECK_FALSE(check_qcow2(std::string(4096, '\0'), 4096).ok());
}
