#include "host/base/id_table.h"

#include <catch2/catch.hpp>
#include <memory>
#include <set>

using namespace novacron::host;

namespace {
using Table = IdTable<std::shared_ptr<int>>;
}

TEST_CASE("ids that nobody was given find nothing") {
  Table table(4);
  const uint64_t id = table.insert(std::make_shared<int>(7));
  for (const uint64_t wrong : {uint64_t{0}, id + 1, id + (uint64_t{1} << 32), ~uint64_t{0}}) {
    CHECK(table.find(wrong) == nullptr);
    CHECK(table.take(wrong) == nullptr);
  }
  CHECK(*table.find(id) == 7);
}

TEST_CASE("an id is stale once it is taken, also when its place is used again") {
  Table table(4);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t id = table.insert(std::make_shared<int>(i));
    CHECK(seen.insert(id).second);
    CHECK(*table.take(id) == i);
    CHECK(table.find(id) == nullptr);
  }
  CHECK(table.size() == 0);
}

TEST_CASE("a full table refuses and a closed one forgets") {
  Table table(2);
  const uint64_t first = table.insert(std::make_shared<int>(1));
  const uint64_t second = table.insert(std::make_shared<int>(2));
  CHECK(table.insert(std::make_shared<int>(3)) == 0);
  CHECK(table.take_if([](const std::shared_ptr<int>& value) { return *value == 1; }).size() == 1);
  CHECK(table.find(first) == nullptr);
  CHECK(table.close().size() == 1);
  CHECK(table.find(second) == nullptr);
  CHECK(table.insert(std::make_shared<int>(4)) == 0);
}

TEST_CASE("a value is taken when the condition holds of it, and only then") {
  Table table(4);
  const uint64_t id = table.insert(std::make_shared<int>(7));
  CHECK(table.take_when(id, [](const auto& value) { return *value == 8; }) == nullptr);
  CHECK(table.find(id) != nullptr);
  CHECK(table.take_when(id, [](const auto& value) { return *value == 7; }) != nullptr);
  CHECK(table.find(id) == nullptr);
  CHECK(table.take_when(id, [](const auto&) { return true; }) == nullptr);
  CHECK(table.size() == 0);
}
