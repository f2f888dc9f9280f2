#include <catch2/catch.hpp>

#include "host/resource/store.h"
#include "host/resource/testing/world.h"

namespace novacron::host::resource {

using testing::World;

TEST_CASE("a list is chosen by fields, also by time") {
  World world;
  for (int i = 1; i <= 4; ++i) {
    REQUIRE(world.make_robot("r" + std::to_string(i), R"({"arms":)" + std::to_string(i) + "}").ok());
    world.clock.advance_ns(1'000'000'000);
  }
  REQUIRE(world.set_status("r2", R"({"phase":"ACTIVE"})").ok());
  const auto names = [&](const std::string& fields, const std::string& labels = "") {
    ListOptions options{.kind = "shop/Robot", .tenant = "default", .label_selector = labels, .field_selector = fields};
    const auto page = world.store().list(world.alice, options);
    if (!page.ok()) return page.error().reason + ": " + page.error().message;
    std::string text;
    for (const auto& object : page->objects) text += object.ref.name + " ";
    return text;
  };
  CHECK(names("spec.arms > 2") == "r3 r4 ");
  CHECK(names("status.phase == ACTIVE || metadata.name == \"r4\"") == "r2 r4 ");
  CHECK(names("metadata.created_at >= \"2026-05-28T20:26:41Z\" && spec.arms != 3") == "r2 r4 ");
  CHECK(names("metadata.created_at >= now-2s") == "r3 r4 ");  // it is one second after the last one
  CHECK(names("metadata.created_at < now-2s || metadata.created_at > now") == "r1 r2 ");
  CHECK(names("metadata.revision > 0", "app=web") == "");
  CHECK(names("spec.legs == 1") == "selector.invalid: field selector: there is no field \"spec.legs\"");
  CHECK(names("spec.password == \"x\"") == "selector.invalid: field selector: a secret cannot be asked for");
}

TEST_CASE("the pages of a list have one now") {
  World world;
  for (const char* name : {"r1", "r2", "r3"}) REQUIRE(world.make_robot(name).ok());
  ListOptions options{.kind = "shop/Robot", .tenant = "default", .field_selector = "metadata.created_at >= now-10s"};
  options.page_size = 1;
  size_t found = 0;
  do {
    const auto page = world.store().list(world.alice, options);
    REQUIRE(page.ok());
    found += page->objects.size();
    options.page_token = page->next_page_token;
    world.clock.advance_ns(8'000'000'000);
  } while (!options.page_token.empty());
  CHECK(found == 3);
  CHECK(world.store()
            .list(world.alice, {.kind = "shop/Robot", .field_selector = options.field_selector})
            ->objects.empty());
}

}  // namespace novacron::host::resource
