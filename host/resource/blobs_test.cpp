#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "host/resource/collector.h"
#include "host/resource/keys.h"
#include "host/resource/testing/world.h"

namespace novacron::host::resource {

using testing::robot_ref;
using testing::World;

namespace {
const std::string kUsed = "sha256:" + std::string(64, 'a');
const std::string kUnused = "sha256:" + std::string(64, 'b');
const std::string kUnknown = "sha256:" + std::string(64, 'c');

ObjectRef blob_ref(const std::string& digest) {
  return {std::string(kBlobKind), "", blob_name(digest)};
}

Result<WriteResult> make_blob(World& world, const std::string& digest) {
  return world.store().create(world.alice, blob_ref(digest), Body::json(R"({"spec":{"digest":")" + digest + "\"}}"));
}
}  // namespace

TEST_CASE("a blob is named by its digest") {
  CHECK(blob_name(kUsed) == "sha256-" + std::string(32, 'a'));
}

TEST_CASE("a blob stays while an object has it") {
  World world;
  REQUIRE(make_blob(world, kUsed).ok());
  REQUIRE(make_blob(world, kUnused).ok());
  REQUIRE(world.make_robot("r1", R"({"image":")" + kUsed + "\"}").ok());
  REQUIRE(world.make_robot("r2", R"({"image":")" + kUnknown + "\"}").ok());
  CHECK(world.store().live_blobs().value() == std::unordered_set<std::string>{kUsed, kUnused, kUnknown});
  const auto refused = world.store().remove(world.alice, blob_ref(kUsed));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().reason == "resource.referenced");
  CHECK(refused.error().message.find("\"r1\"") != std::string::npos);
  REQUIRE(world.store().remove(world.alice, blob_ref(kUnused)).ok());
  REQUIRE(world.patch_robot("r1", R"({"spec":{"image":null}})").ok());
  REQUIRE(world.store().remove(world.alice, blob_ref(kUsed)).ok());
  REQUIRE(world.store().remove(world.alice, robot_ref("r2")).ok());
  CHECK(world.store().live_blobs()->empty());
}

TEST_CASE("the collector has those removed that nobody has") {
  World world;
  REQUIRE(make_blob(world, kUsed).ok());
  std::mutex mutex;
  std::condition_variable told;
  std::unordered_set<std::string> live;
  Collector::Options options;
  options.sweep_blobs = [&](const std::unordered_set<std::string>& found) {
    const std::lock_guard lock(mutex);
    live = found;
    told.notify_all();
    return Status();
  };
  Collector collector(world.store(), world.engine(), options);
  std::unique_lock lock(mutex);
  REQUIRE(told.wait_for(lock, std::chrono::seconds(20), [&] { return !live.empty(); }));
  CHECK(live == std::unordered_set<std::string>{kUsed});
}

}  // namespace novacron::host::resource
