#include "rank.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

using namespace novacron;
using namespace novacron::scheduling;
using basic::rank;

namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

v1::Demand demand_of(uint64_t cpus, uint64_t memory_bytes) {
  v1::Demand demand;
  demand.cpu_millis = cpus * 1000;
  demand.memory_bytes = memory_bytes;
  return demand;
}

v1::Candidate node_of(std::string name, uint64_t used_bytes = 0) {
  v1::Candidate node;
  node.node = std::move(name);
  node.capacity = demand_of(8, 16 * kGiB);
  node.used = demand_of(0, used_bytes);
  return node;
}

v1::ScheduleRequest request_for(uint64_t cpus, uint64_t memory_bytes, std::vector<v1::Candidate> nodes) {
  v1::ScheduleRequest request;
  request.uid = "6f0c7d52-6b1c-4d0c-9c8e-0d2f4d7f1a11";
  request.demand = demand_of(cpus, memory_bytes);
  request.candidates = std::move(nodes);
  return request;
}

/// The one candidate of `request` is left out; why.
v1::LeftOut only_reason(const v1::ScheduleRequest& request) {
  const auto reply = rank(request, {});
  REQUIRE(reply.ok());
  REQUIRE(reply->ranked.empty());
  REQUIRE(reply->left_out.size() == 1);
  return reply->left_out[0];
}

}  // namespace

TEST_CASE("a node without the memory is left out, and the reply says what is missing") {
  const auto reason = only_reason(request_for(1, 4 * kGiB, {node_of("a", 13 * kGiB)}));
  CHECK(reason.reason == "scheduling.insufficient-memory");
  CHECK(reason.message == "needs 4 GiB, has 3 GiB of 16 GiB free");
}

TEST_CASE("a node whose use is above its capacity has nothing free") {
  CHECK(only_reason(request_for(1, 1, {node_of("a", 99 * kGiB)})).reason == "scheduling.insufficient-memory");
}

TEST_CASE("processors are promised up to the overcommitment, and no further") {
  CHECK(rank(request_for(32, kGiB, {node_of("a")}), {.cpu_overcommit = 4})->ranked.size() == 1);
  CHECK(only_reason(request_for(33, kGiB, {node_of("a")})).reason == "scheduling.insufficient-cpu");
}

TEST_CASE("what the caller refuses is left out with its own words") {
  auto node = node_of("a");
  node.refused = "cordoned";
  const auto reason = only_reason(request_for(1, kGiB, {node}));
  CHECK(reason.reason == "scheduling.refused");
  CHECK(reason.message == "cordoned");
}

TEST_CASE("another node than the wanted one is left out") {
  auto request = request_for(1, kGiB, {node_of("a")});
  request.node = "b";
  CHECK(only_reason(request).reason == "scheduling.other-node");
}

TEST_CASE("a missing and a different label are told apart") {
  auto request = request_for(1, kGiB, {node_of("a")});
  request.node_labels["disk"] = "ssd";
  CHECK(only_reason(request).message == "has no label disk");
  request.candidates[0].labels["disk"] = "hdd";
  CHECK(only_reason(request).message == "label disk is hdd, ssd was asked for");
}

TEST_CASE("the emptier node comes first") {
  const auto reply = rank(request_for(1, kGiB, {node_of("full", 10 * kGiB), node_of("empty")}), {});
  REQUIRE(reply->ranked.size() == 2);
  CHECK(reply->ranked[0].node == "empty");
  CHECK(reply->ranked[0].score > reply->ranked[1].score);
}

TEST_CASE("equal nodes share equal things") {
  std::map<std::string, int> first;
  for (int i = 0; i < 300; ++i) {
    auto request = request_for(1, kGiB, {node_of("a"), node_of("b"), node_of("c")});
    request.uid = "thing-" + std::to_string(i);
    ++first[rank(request, {})->ranked[0].node];
  }
  for (const auto& [node, count] : first) CHECK(count > 50);
  CHECK(first.size() == 3);
}

TEST_CASE("more candidates than the limit are refused") {
  const auto reply = rank(request_for(1, 1, std::vector<v1::Candidate>(basic::kMaxCandidates + 1)), {});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().reason == "scheduling.too-many-candidates");
}

TEST_CASE("every candidate is in exactly one list, and nothing that does not fit is ranked") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<v1::Candidate> nodes;
    for (int i = 0; i < 20; ++i) nodes.push_back(node_of("n" + std::to_string(i), random() % (18 * kGiB)));
    const auto request = request_for(1 + random() % 40, random() % (8 * kGiB), nodes);
    const auto reply = rank(request, {});
    std::set<std::string> seen;
    for (const auto& fit : reply->ranked) {
      const auto& node = request.candidates[std::stoul(fit.node.substr(1))];
      CHECK(node.used->memory_bytes + request.demand->memory_bytes <= node.capacity->memory_bytes);
      CHECK(request.demand->cpu_millis <= node.capacity->cpu_millis * 4);
      CHECK((fit.score >= 0 && fit.score <= 1));
      seen.insert(fit.node);
    }
    for (const auto& out : reply->left_out) seen.insert(out.node);
    CHECK(seen.size() == nodes.size());
    CHECK(reply->ranked.size() + reply->left_out.size() == nodes.size());
  }
}
