#include "records.h"

#include <catch2/catch.hpp>

#include "test_folder.h"

using namespace novacron;
using namespace novacron::kvm;

namespace {

const std::string kUid = "11111111-2222-4333-8444-555555555555";

struct Fixture {
  testing::TestFolder temporary;
  Folder folder = *Folder::open(temporary.path());
  uint64_t now_ns = 1'000'000'000;
  Records records = loaded();

  Records loaded() {
    return Records(folder, [this] { return now_ns; });
  }
};

}  // namespace

TEST_CASE("a fence below the highest seen is refused, also after a restart") {
  Fixture fixture;
  REQUIRE(fixture.records.load().ok());
  CHECK(fixture.records.admit(kUid, 5).ok());
  CHECK(fixture.records.admit(kUid, 5).ok());
  CHECK(fixture.records.admit(kUid, 7).ok());
  CHECK(fixture.records.admit(kUid, 6).code() == Code::kAborted);

  Records again = fixture.loaded();
  REQUIRE(again.load().ok());
  const auto stale = again.admit(kUid, 6);
  REQUIRE_FALSE(stale.ok());
  CHECK(stale.error().reason == "compute.stale-claim");
  CHECK(again.admit(kUid, 7)->claim_fence == 7);
}

TEST_CASE("the fence outlives the machine") {
  Fixture fixture;
  REQUIRE(fixture.records.load().ok());
  Record record = *fixture.records.admit(kUid, 9);
  record.present = true;
  REQUIRE(fixture.records.put(kUid, record).ok());
  CHECK(fixture.records.is_present(kUid));
  record.present = false;
  REQUIRE(fixture.records.put(kUid, record).ok());
  CHECK_FALSE(fixture.records.is_present(kUid));
  CHECK(fixture.records.admit(kUid, 8).code() == Code::kAborted);
}

TEST_CASE("machines long gone are forgotten, those that are here never") {
  Fixture fixture;
  const std::string gone = "22222222-2222-4333-8444-555555555555";
  REQUIRE(fixture.records.load().ok());
  Record record;
  record.present = true;
  record.images = {"sha256:a"};
  REQUIRE(fixture.records.put(kUid, record).ok());
  REQUIRE(fixture.records.admit(gone, 3).ok());

  fixture.now_ns += uint64_t{31} * 24 * 3600 * 1'000'000'000;
  Records later = fixture.loaded();
  REQUIRE(later.load().ok());
  CHECK(later.present() == std::vector<std::string>{kUid});
  CHECK(later.images_in_use() == std::set<std::string>{"sha256:a"});
  CHECK(later.get(gone).claim_fence == 0);
  CHECK_FALSE(fixture.folder.contains("records/" + gone));
}

TEST_CASE("a draft that a crash left is no record") {
  Fixture fixture;
  REQUIRE(fixture.records.load().ok());
  REQUIRE(fixture.folder.replace_file("records/" + kUid + ".new", "\xff\xff").ok());
  CHECK(fixture.loaded().load().ok());
}

TEST_CASE("a damaged record is an error, never a fence of 0") {
  Fixture fixture;
  REQUIRE(fixture.records.load().ok());
  REQUIRE(fixture.folder.replace_file("records/" + kUid, "\xff\xff").ok());
  CHECK_FALSE(fixture.loaded().load().ok());
}
