#include "tests/sim/raft/client.h"

#include <ostream>

namespace novacron::sim {
namespace {

constexpr uint64_t kAttemptUs = 100'000;   ///< without an answer, another node is asked
constexpr uint64_t kRefusedUs = 10'000;    ///< likewise, so long after a refusal
constexpr uint64_t kGiveUpUs = 4'000'000;  ///< whether it happened stays open then

}  // namespace

Client::Client(World& world, std::vector<std::unique_ptr<Node>>& nodes, uint64_t id)
    : world_(world), nodes_(nodes), id_(id), session_(id), target_(world.random.below(nodes.size())) {}

void Client::start() {
  world_.schedule.after(world_.random.below(world_.faults.thinking_us), [this] { begin(); });
}

void Client::count_from_now() {
  counts_from_us_ = world_.schedule.now_us();
  answered_ = 0;
}

void Client::begin() {
  ++operation_;
  is_write_ = !world_.random.chance(world_.faults.reads);
  key_ = world_.random.below(world_.faults.keys);
  value_ = is_write_ ? id_ << 32 | operation_ : 0;
  if (is_write_) ++sequence_;
  called_us_ = world_.schedule.now_us();
  const auto kind = is_write_ ? Operation::Kind::kWrite : Operation::Kind::kRead;
  number_ = world_.checks.called(key_, {kind, called_us_, std::nullopt, value_, "client " + std::to_string(id_)});
  attempt();
}

void Client::attempt() {
  const uint64_t attempt = ++attempt_;
  if (world_.schedule.now_us() - called_us_ > kGiveUpUs) return give_up();
  Node& node = *nodes_[target_];
  if (world_.network.reaches()) {
    world_.schedule.after(world_.network.delay_us(), [this, &node, attempt] { ask(node, attempt); });
  }
  world_.schedule.after(kAttemptUs, [this, attempt] {
    if (attempt == attempt_) try_elsewhere(0);
  });
}

void Client::try_elsewhere(uint64_t delay_us) {
  target_ = world_.random.below(nodes_.size());
  world_.schedule.after(delay_us, [this, attempt = ++attempt_] {
    if (attempt == attempt_) this->attempt();
  });
}

/// An answer to an earlier attempt counts too; one that says no counts for the present attempt only.
void Client::ask(Node& node, uint64_t attempt) {
  if (!node.is_up()) return;
  auto answer = [this, attempt, operation = operation_](Reply reply) {
    if (!world_.network.reaches()) return;
    world_.schedule.after(world_.network.delay_us(), [this, attempt, operation, reply] {
      if (operation != operation_) return;
      if (reply.is_done) return done(reply);
      if (attempt == attempt_) try_elsewhere(kRefusedUs);
    });
  };
  if (is_write_) {
    node.write({session_, sequence_, key_, value_}, std::move(answer));
  } else {
    node.read(key_, std::move(answer));
  }
}

void Client::done(Reply reply) {
  world_.checks.answered(key_, number_, world_.schedule.now_us(), reply.value);
  if (called_us_ >= counts_from_us_) ++answered_;
  ++attempt_;
  ++operation_;
  world_.schedule.after(world_.random.below(world_.faults.thinking_us), [this] { begin(); });
}

/// The write may still happen, so nothing else may follow it in its session.
void Client::give_up() {
  session_ += 1'000;
  sequence_ = 0;
  begin();
}

}  // namespace novacron::sim
