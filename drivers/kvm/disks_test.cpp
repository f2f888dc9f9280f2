#include "disks.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "child.h"
#include "qcow2.h"
#include "test_folder.h"

using namespace novacron;
using namespace novacron::kvm;

namespace {

const std::string kUid = "11111111-2222-4333-8444-555555555555";

/// Images that are files of the test.
class FileImages final : public ImageSource {
 public:
  Result<Image> open(const std::string& digest) override {
    ++opened;
    const auto found = paths.find(digest);
    if (found == paths.end()) return Error{.code = Code::kNotFound, .message = "no such blob"};
    Image image{Fd(::open(found->second.c_str(), O_RDONLY | O_CLOEXEC)), std::filesystem::file_size(found->second)};
    image.size_bytes += extra_bytes;
    return image;
  }
  std::map<std::string, std::string> paths;
  uint64_t extra_bytes = 0;
  int opened = 0;
};

struct Fixture {
  testing::TestFolder temporary;
  Folder folder = *Folder::open(temporary.path() + "/data");
  FileImages images;
  Disks disks{folder, images};

  Fixture() {
    REQUIRE(disks.prepare().ok());
    REQUIRE(disks.make_guest(kUid).ok());
  }
  /// A digest whose image has these bytes.
  std::string image(char digit, const std::string& bytes) {
    const std::string digest = "sha256:" + std::string(64, digit), path = temporary.path() + "/" + digit;
    std::ofstream(path, std::ios::binary) << bytes;
    images.paths[digest] = path;
    return digest;
  }
  /// The same, made by qemu-img.
  std::string qcow2_image(char digit, std::vector<std::string> arguments) {
    const std::string digest = image(digit, "");
    arguments.insert(arguments.begin(), {"/usr/bin/qemu-img", "create", "-q", "-f", "qcow2"});
    for (std::string& argument : arguments) {
      if (argument == "FILE") argument = images.paths[digest];
    }
    const auto made = run_child_to_success(arguments);
    if (!made.ok()) FAIL(made.error().message);
    return digest;
  }
  std::string info(const DomainDisk& disk) const {
    const auto result = run_child({"/usr/bin/qemu-img", "info", "--output=json", "-f", "qcow2", disk.file.path});
    REQUIRE(result.ok());
    return result->output;
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an empty disk has the size that was asked for, and can grow but not shrink") {
  Fixture fixture;
  DiskOrder order{.name = "data", .size_bytes = 8 << 20, .image = {}};
  const auto disk = fixture.disks.disk(kUid, order);
  REQUIRE(disk.ok());
  CHECK(disk->file.path == fixture.folder.path_of("guests/" + kUid + "/data.qcow2"));
  CHECK(contains(fixture.info(*disk), "\"virtual-size\": 8388608"));
  order.size_bytes = 16 << 20;
  REQUIRE(fixture.disks.disk(kUid, order).ok());
  CHECK(contains(fixture.info(*disk), "\"virtual-size\": 16777216"));
  order.size_bytes = 8 << 20;
  CHECK(fixture.disks.disk(kUid, order).error().reason == "compute.disk-shrink");
}

TEST_CASE("a disk is a layer over a raw image whose format is never guessed") {
  Fixture fixture;
  // The bytes of a raw disk may look like qcow2: a guest can write them. They stay raw.
  std::string bytes = "QFI\xfb";
  bytes.resize(1 << 20);
  const DiskOrder order{.name = "root", .size_bytes = std::nullopt, .image = fixture.image('a', bytes)};
  const auto disk = fixture.disks.disk(kUid, order);
  REQUIRE(disk.ok());
  REQUIRE(disk->backing);
  CHECK(disk->backing->format == DiskFormat::kRaw);
  CHECK(contains(fixture.info(*disk), "\"backing-filename-format\": \"raw\""));
  CHECK(contains(fixture.info(*disk), "\"virtual-size\": 1048576"));
  REQUIRE(fixture.disks.disk(kUid, order).ok());
  CHECK(fixture.images.opened == 1);
}

TEST_CASE("a disk over a qcow2 image has the image's virtual size") {
  Fixture fixture;
  const std::string digest = fixture.qcow2_image('b', {"FILE", "32M"});
  const auto disk = fixture.disks.disk(
      kUid, {.name = "root", .size_bytes = std::nullopt, .image = digest, .image_format = DiskFormat::kQcow2});
  REQUIRE(disk.ok());
  CHECK(contains(fixture.info(*disk), "\"virtual-size\": 33554432"));
  CHECK(fixture.disks
            .disk(kUid, {.name = "small", .size_bytes = 1 << 20, .image = digest, .image_format = DiskFormat::kQcow2})
            .code() == Code::kInvalidArgument);
}

TEST_CASE("images by qemu-img that lead elsewhere are refused") {
  Fixture fixture;
  const std::string secret = fixture.temporary.path() + "/secret";
  std::ofstream(secret) << std::string(1 << 20, 's');
  const std::string with_backing = fixture.qcow2_image('c', {"-b", secret, "-F", "raw", "FILE"});
  const std::string with_data = fixture.qcow2_image('d', {"-o", "data_file=" + secret, "FILE", "1M"});
  for (const std::string& digest : {with_backing, with_data}) {
    const auto disk = fixture.disks.disk(
        kUid, {.name = "root", .size_bytes = std::nullopt, .image = digest, .image_format = DiskFormat::kQcow2});
    REQUIRE_FALSE(disk.ok());
    CHECK(disk.error().reason == "compute.image-refused");
  }
  CHECK_FALSE(fixture.folder.contains("guests/" + kUid + "/root.qcow2"));
}

TEST_CASE("a read-only disk is its image, without a layer") {
  Fixture fixture;
  const std::string digest = fixture.image('a', std::string(4096, 'x'));
  const auto disk = fixture.disks.disk(kUid, {.name = "tools",
                                              .size_bytes = std::nullopt,
                                              .image = digest,
                                              .image_format = DiskFormat::kRaw,
                                              .read_only = true});
  REQUIRE(disk.ok());
  CHECK(disk->read_only);
  CHECK_FALSE(disk->backing);
  CHECK(disk->file.path == fixture.folder.path_of("images/" + std::string(64, 'a')));
}

TEST_CASE("an image that is missing or shorter than its blob is an error, and leaves nothing") {
  Fixture fixture;
  CHECK(fixture.disks.image("sha256:" + std::string(64, 'f')).code() == Code::kNotFound);
  fixture.images.extra_bytes = 1;
  CHECK_FALSE(fixture.disks.image(fixture.image('a', "short")).ok());
  CHECK_FALSE(fixture.folder.contains("images/" + std::string(64, 'a')));
  fixture.images.extra_bytes = 0;
  CHECK(fixture.disks.image("sha256:" + std::string(64, 'a')).ok());
}

TEST_CASE("names of disks and images cannot leave the folder") {
  Fixture fixture;
  CHECK(fixture.disks.disk(kUid, {.name = "../x", .size_bytes = 1 << 20, .image = {}}).code() ==
        Code::kInvalidArgument);
  CHECK(fixture.disks.image("sha256:../../etc/passwd").code() == Code::kInvalidArgument);
  CHECK(fixture.disks.disk(kUid, {.name = "x", .size_bytes = std::nullopt, .image = {}}).code() ==
        Code::kInvalidArgument);
}

TEST_CASE("images that nobody uses are removed, the others stay") {
  Fixture fixture;
  const std::string kept = fixture.image('a', "kept"), unused = fixture.image('b', "unused");
  REQUIRE(fixture.disks.image(kept).ok());
  REQUIRE(fixture.disks.image(unused).ok());
  REQUIRE(fixture.disks.remove_images_except([&] { return std::set<std::string>{kept}; }).ok());
  CHECK(*fixture.folder.list("images") == std::vector<std::string>{std::string(64, 'a')});
}

TEST_CASE("user data becomes a volume that cloud-init finds") {
  Fixture fixture;
  const auto seed = fixture.disks.seed(kUid, "web1", "#cloud-config\nhostname: x\n");
  REQUIRE(seed.ok());
  CHECK(seed->read_only);
  std::ifstream iso(seed->file.path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(iso)), std::istreambuf_iterator<char>());
  CHECK(bytes.substr(32'808, 6) == "cidata");
  CHECK(contains(bytes, "#cloud-config\nhostname: x\n"));
  CHECK(contains(bytes, "instance-id: " + kUid));
  REQUIRE(fixture.disks.remove_guest(kUid).ok());
  CHECK_FALSE(fixture.folder.contains("guests/" + kUid));
}

TEST_CASE("a child is killed at its deadline, and its last words are kept") {
  const auto late = run_child({"/bin/sleep", "60"}, {.timeout_ms = 50});
  CHECK(late.code() == Code::kDeadlineExceeded);
  const auto failed = run_child_to_success({"/bin/sh", "-c", "echo first; echo last >&2; exit 3"});
  REQUIRE_FALSE(failed.ok());
  CHECK(contains(failed.error().message, "status 3"));
  CHECK(contains(failed.error().message, "last"));
  CHECK(run_child({"/bin/sh", "-c", "kill -9 $$"})->exit_status == 137);
  CHECK(run_child({"/no/such/program"})->exit_status != 0);
}
