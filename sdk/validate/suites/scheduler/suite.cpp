// Whoever offers novacron.scheduling.v1.Scheduler: every candidate is ranked or left out with a reason, and never one
// without room.
#include <algorithm>
#include <set>

#include "novacron/scheduling/v1/scheduling.nc.h"
#include "sdk/validate/stage.h"

namespace novacron::validate {
namespace {

namespace api = scheduling::v1;

constexpr size_t kFleet = 24;
constexpr size_t kLargeFleet = 10'000;
constexpr uint64_t kGiB = uint64_t{1} << 30U;
constexpr const char* kRule = "novacron.scheduling.v1.Scheduler";

/// A plugin under test that runs, and its client; `client` is empty if it does not run.
struct World {
  explicit World(Run& run) : stage(run), actor(stage.running_actor()) {
    if (actor) client.emplace(stage.host().client());
  }
  Stage stage;
  std::unique_ptr<Actor> actor;
  std::optional<api::SchedulerClient> client;
};

void wrong(Run& run, std::string what, const char* instead) {
  run.find(Subject::kResult, std::move(what), kRule, instead);
}

api::Candidate node(size_t number, uint64_t memory_bytes, uint64_t used_bytes) {
  return {.node = "node" + std::to_string(number),
          .labels = {{"zone", number % 2 == 0 ? "even" : "odd"}},
          .capacity = api::Demand{.cpu_millis = 16'000, .memory_bytes = memory_bytes},
          .used = api::Demand{.cpu_millis = 1'000 * (number % 4), .memory_bytes = used_bytes}};
}

api::ScheduleRequest request_of(size_t nodes) {
  api::ScheduleRequest request{.uid = "00000000-0000-4000-8000-000000000001",
                               .demand = api::Demand{.cpu_millis = 1'000, .memory_bytes = 4 * kGiB}};
  for (size_t i = 0; i < nodes; ++i) request.candidates.push_back(node(i, 32 * kGiB, (i % 8) * kGiB));
  return request;
}

/// Nothing, with a finding, if the call failed.
std::optional<api::ScheduleReply> ask(Run& run, World& world, const api::ScheduleRequest& request) {
  auto reply = world.client->schedule(request);
  if (reply.ok()) return *std::move(reply);
  wrong(run, "Schedule failed: " + reply.error().message, "answer every well-formed request, also when nothing fits");
  return std::nullopt;
}

/// Each candidate once: ranked, or left out with why.
void check_complete(Run& run, const api::ScheduleRequest& request, const api::ScheduleReply& reply) {
  std::multiset<std::string> asked, answered;
  for (const api::Candidate& candidate : request.candidates) asked.insert(candidate.node);
  for (const api::Ranked& ranked : reply.ranked) answered.insert(ranked.node);
  for (const api::LeftOut& left_out : reply.left_out) {
    answered.insert(left_out.node);
    if (left_out.reason.find('.') == std::string::npos || left_out.message.empty()) {
      wrong(run, left_out.node + " is left out without a reason", "give a stable reason and a message for people");
    }
  }
  if (asked != answered) {
    wrong(run,
          "of " + std::to_string(asked.size()) + " candidates " + std::to_string(answered.size()) + " are answered for",
          "rank each candidate once, or leave it out once");
  }
}

bool is_ranked(const api::ScheduleReply& reply, const std::string& name) {
  return std::any_of(reply.ranked.begin(), reply.ranked.end(),
                     [&](const api::Ranked& ranked) { return ranked.node == name; });
}

void empty_fleet(Run& run) {
  World world(run);
  if (!world.client) return;
  const auto reply = ask(run, world, request_of(0));
  if (reply && (!reply->ranked.empty() || !reply->left_out.empty())) {
    wrong(run, "an empty fleet has a place", "answer with nothing when there are no candidates");
  }
}

void reasons(Run& run) {
  World world(run);
  if (!world.client) return;
  api::ScheduleRequest request = request_of(kFleet);
  request.candidates[3].refused = "cordoned";
  request.candidates[5].used->memory_bytes = 32 * kGiB;
  request.node_labels = {{"zone", "odd"}};
  const auto reply = ask(run, world, request);
  if (reply) check_complete(run, request, *reply);
}

/// A request for which `name` must not be ranked, and others may be.
void expect_left_out(Run& run, World& world, const api::ScheduleRequest& request, const std::string& name,
                     const char* why) {
  const auto reply = ask(run, world, request);
  if (!reply) return;
  check_complete(run, request, *reply);
  if (is_ranked(*reply, name)) wrong(run, name + " is ranked, and " + why, "leave out what does not fit");
}

void room(Run& run) {
  World world(run);
  if (!world.client) return;
  api::ScheduleRequest full = request_of(kFleet);
  full.candidates[2].used->memory_bytes = 29 * kGiB;
  expect_left_out(run, world, full, "node2", "has no memory left for it");
  api::ScheduleRequest over = request_of(kFleet);
  over.candidates[2].used->memory_bytes = UINT64_MAX;
  expect_left_out(run, world, over, "node2", "is used beyond its capacity");
  api::ScheduleRequest huge = request_of(kFleet);
  huge.demand->memory_bytes = UINT64_MAX;
  expect_left_out(run, world, huge, "node0", "has less than everything");
  api::ScheduleRequest many = request_of(kFleet);
  many.demand->cpu_millis = UINT64_MAX;
  expect_left_out(run, world, many, "node0", "has fewer processors than everything");
}

void wishes(Run& run) {
  World world(run);
  if (!world.client) return;
  api::ScheduleRequest refused = request_of(kFleet);
  refused.candidates[4].refused = "cordoned";
  expect_left_out(run, world, refused, "node4", "was refused by the caller");
  api::ScheduleRequest pinned = request_of(kFleet);
  pinned.node = "node7";
  expect_left_out(run, world, pinned, "node4", "another node was asked for");
  api::ScheduleRequest labelled = request_of(kFleet);
  labelled.node_labels = {{"zone", "odd"}};
  expect_left_out(run, world, labelled, "node4", "has another label than was asked for");
  const auto reply = ask(run, world, pinned);
  if (reply && !is_ranked(*reply, "node7"))
    wrong(run, "the node that was asked for and has room is not ranked", "rank it");
}

std::vector<std::string> order_of(const api::ScheduleReply& reply) {
  std::vector<std::string> names;
  for (const api::Ranked& ranked : reply.ranked) names.push_back(ranked.node);
  return names;
}

void stable(Run& run) {
  World world(run);
  if (!world.client) return;
  Random random(run.seed);
  api::ScheduleRequest request = request_of(kFleet);
  const auto first = ask(run, world, request);
  const auto second = ask(run, world, request);
  if (!first || !second) return;
  if (order_of(*first) != order_of(*second))
    wrong(run, "the same request is answered in another order", "order by what is asked alone");
  std::shuffle(request.candidates.begin(), request.candidates.end(), random);
  const auto shuffled = ask(run, world, request);
  if (shuffled && order_of(*shuffled) != order_of(*first)) {
    wrong(run, "the order of the candidates decides the order of the answer", "break ties by the uid and the node");
  }
}

void scores(Run& run) {
  World world(run);
  if (!world.client) return;
  const auto reply = ask(run, world, request_of(kFleet));
  if (!reply) return;
  double last = 1;
  for (const api::Ranked& ranked : reply->ranked) {
    if (!(ranked.score >= 0 && ranked.score <= 1))
      wrong(run, ranked.node + " has a score that is not 0 to 1", "scale scores to 0 to 1");
    if (ranked.score > last)
      wrong(run, ranked.node + " stands behind one with a lower score", "the highest score stands first");
    last = ranked.score;
  }
}

void large_fleet(Run& run) {
  World world(run);
  if (!world.client) return;
  const api::ScheduleRequest request = request_of(kLargeFleet);
  const auto reply = ask(run, world, request);
  if (reply) check_complete(run, request, *reply);
}

}  // namespace

Suite scheduler_suite() {
  Suite suite{.name = "scheduler", .service = "novacron.scheduling.v1.Scheduler", .tests = {}};
  const auto add = [&suite](const char* name, const char* summary, void (*run)(Run&)) {
    suite.tests.push_back({name, summary, Test::Needs::kLibrary, {}, run});
  };
  add("scheduler.empty", "An empty fleet is answered with nothing", empty_fleet);
  add("scheduler.reasons", "Every candidate is ranked, or left out with a reason", reasons);
  add("scheduler.room", "No node without room is ranked", room);
  add("scheduler.wishes", "Refused nodes, other nodes and other labels are left out", wishes);
  add("scheduler.stable", "Equal requests have equal answers, in whatever order the candidates come", stable);
  add("scheduler.scores", "Scores are 0 to 1, the highest first", scores);
  add("scheduler.large", "Ten thousand nodes are ranked within the method's deadline", large_fleet);
  return suite;
}

}  // namespace novacron::validate
