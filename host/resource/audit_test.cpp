#include <catch2/catch.hpp>

#include "host/resource/keys.h"
#include "host/resource/store.h"
#include "host/resource/testing/world.h"
#include "host/state/sync.h"

namespace novacron::host::resource {

TEST_CASE("what changes no object is recorded all the same") {
  testing::World world;
  REQUIRE(world.store().audit(world.alice, "reload", {"novacron.core/Config", "", ""}, "of the settings").ok());
  state::RangeRequest request;
  request.keys = state::KeyRange::prefix(kAuditPrefix);
  const auto found = state::Sync(world.engine()).range(std::move(request));
  const auto& entries = found->entries;
  REQUIRE_FALSE(entries.empty());
  for (const char* part : {"user:alice", "reload", "novacron.core/Config", "of the settings", "request-1"})
    CHECK_THAT(entries.back()->value, Catch::Contains(part));
}

}  // namespace novacron::host::resource
