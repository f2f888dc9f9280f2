#include "tests/sim/raft/simulation.h"

#include <algorithm>
#include <iterator>
#include <ostream>

#include "tests/sim/raft/client.h"

namespace novacron::sim {

using namespace host::raft;

namespace {

constexpr uint64_t kSecondUs = 1'000'000;
constexpr uint64_t kFaultyUs = 10 * kSecondUs;
constexpr uint64_t kHealedUs = 20 * kSecondUs;  ///< by then everybody must have been served
constexpr uint64_t kMaxEvents = 2'000'000;      ///< some 10,000 are usual
constexpr uint64_t kCheckLogsUs = kSecondUs / 2;

class Simulation final {
 public:
  Simulation(uint64_t seed, std::ostream* trace)
      : random_(seed),
        faults_(draw_faults(random_)),
        network_(schedule_, random_, faults_, [this](Message message) { deliver(std::move(message)); }),
        world_{schedule_, random_, faults_, network_, checks_, trace} {
    const uint64_t all = faults_.nodes + faults_.spares;
    Membership first;
    for (NodeId id = 1; id <= faults_.nodes; ++id) {
      first.members[id] = faults_.has_witness && id == 1 ? MemberRole::kWitness : MemberRole::kVoter;
    }
    for (NodeId id = 1; id <= all; ++id) {
      ids_.push_back(id);
      nodes_.push_back(std::make_unique<Node>(world_, id, id <= faults_.nodes ? first : Membership{}));
    }
    for (uint64_t id = 1; id <= faults_.clients; ++id) {
      clients_.push_back(std::make_unique<Client>(world_, nodes_, id));
    }
  }

  Outcome run() {
    for (const auto& node : nodes_) node->start();
    for (const auto& client : clients_) client->start();
    plan_faults();
    check_logs();
    schedule_.run(kFaultyUs, [this] { return is_violated(); });
    if (!is_violated()) {
      heal();
      schedule_.run(kFaultyUs + kHealedUs, [this] { return is_violated() || is_well(); });
    }
    if (!is_violated() && !is_well())
      checks_.fail("liveness: without faults not all was served and equal in time" + states());
    if (!is_violated()) checks_.histories();
    return {checks_.violation(), schedule_.events(),  schedule_.now_us(),
            checks_.committed(), checks_.terms_led(), checks_.undecided()};
  }

 private:
  bool is_violated() {
    if (schedule_.events() > kMaxEvents) checks_.fail("liveness: messages beget messages");
    return !checks_.violation().empty();
  }

  void deliver(Message message) { nodes_[message.to - 1]->receive(std::move(message)); }

  Node& any_node() { return *nodes_[random_.below(nodes_.size())]; }
  Node* leader() {
    Node* found = nullptr;
    for (const auto& node : nodes_) {
      if (!node->is_up() || node->core()->role() != Role::kLeader) continue;
      if (!found || node->core()->hard_state().term > found->core()->hard_state().term) found = node.get();
    }
    return found;
  }

  /// Often the leader alone: it does not know yet when the others have another one.
  std::set<NodeId> some_nodes() {
    Node* const now = leader();
    if (now && random_.chance(0.5)) return {now->core()->node()};
    std::set<NodeId> some;
    const size_t first = random_.below(ids_.size());
    for (size_t i = random_.between(1, ids_.size()); i > 0; --i) some.insert(ids_[(first + i) % ids_.size()]);
    return some;
  }

  /// `fault` about every `mean_us`, as long as there are faults.
  void repeat(uint64_t mean_us, std::function<void()> fault) {
    if (mean_us == 0) return;
    schedule_.after(random_.between(1, 2 * mean_us), [this, mean_us, fault] {
      if (is_healed_) return;
      fault();
      repeat(mean_us, fault);
    });
  }

  void plan_faults() {
    repeat(faults_.cut_every_us, [this] {
      network_.heal();
      if (random_.chance(0.7)) network_.cut(some_nodes(), ids_);
    });
    repeat(faults_.crash_every_us, [this] {
      Node& node = random_.chance(0.3) && leader() ? *leader() : any_node();
      node.crash();
      schedule_.after(random_.between(1'000, 2 * kSecondUs), [&node] { node.start(); });
    });
    repeat(faults_.pause_every_us, [this] { any_node().pause(random_.between(10'000, 2 * kSecondUs)); });
    repeat(faults_.change_every_us, [this] { change_members(); });
    repeat(faults_.transfer_every_us, [this] {
      if (Node* const now = leader()) now->transfer(ids_[random_.below(ids_.size())]);
    });
  }

  void change_members() {
    Node* const now = leader();
    if (!now) return;
    const NodeId node = ids_[random_.below(ids_.size())];
    const bool is_member = now->core()->membership().contains(node);
    constexpr MemberRole kRoles[] = {MemberRole::kVoter, MemberRole::kVoter, MemberRole::kWitness,
                                     MemberRole::kLearner};
    if (!is_member) {
      now->change(MembershipChange::add_learner(node));
    } else if (random_.chance(0.3)) {
      now->change(MembershipChange::remove(node));
    } else {
      now->change(MembershipChange::set_role(node, kRoles[random_.below(std::size(kRoles))]));
    }
  }

  void check_logs() {
    std::vector<const Core*> cores;
    for (const auto& node : nodes_) {
      if (node->is_up()) cores.push_back(node->core());
    }
    checks_.logs(cores);
    schedule_.after(kCheckLogsUs, [this] { check_logs(); });
  }

  void heal() {
    is_healed_ = true;
    network_.heal();
    const Faults drawn = faults_;
    faults_ = {};
    faults_.nodes = drawn.nodes;
    faults_.keys = drawn.keys;
    faults_.snapshot_entries = drawn.snapshot_entries;
    faults_.kept_entries = drawn.kept_entries;
    if (world_.trace) *world_.trace << schedule_.now_us() << " all faults end\n";
    for (const auto& node : nodes_) node->start();
    for (const auto& client : clients_) client->count_from_now();
  }

  /// All clients were served since, and all members have what the leader has committed.
  bool is_well() {
    const auto is_served = [](const auto& client) { return client->answered() >= 3; };
    if (!std::all_of(clients_.begin(), clients_.end(), is_served)) return false;
    Node* const now = leader();
    if (!now) return false;
    const Core& core = *now->core();
    return std::all_of(core.membership().members.begin(), core.membership().members.end(), [&](const auto& member) {
      const Node& node = *nodes_[member.first - 1];
      return node.machine().index() + 20 >= core.commit();
    });
  }

  std::string states() const {
    std::string out;
    for (const auto& client : clients_) out += "\na client was served " + std::to_string(client->answered()) + " times";
    for (const auto& node : nodes_) {
      const Core& core = *node->core();
      out += "\nnode " + std::to_string(core.node()) + (core.role() == Role::kLeader ? " leads" : "") + ": term " +
             std::to_string(core.hard_state().term) + ", log to " + std::to_string(core.log().last_index()) +
             ", committed " + std::to_string(core.commit()) + ", applied " + std::to_string(node->machine().index());
      for (const auto& [member, role] : core.membership().members) {
        const auto* const progress = core.progress(member);
        if (!progress) continue;
        out += "; " + std::to_string(member) + " has " + std::to_string(progress->match()) + ", next " +
               std::to_string(progress->next()) + ", state " + std::to_string(static_cast<int>(progress->state()));
      }
    }
    return out;
  }

  Schedule schedule_;
  Random random_;
  Faults faults_;
  Checks checks_;
  Network network_;
  World world_;
  std::vector<NodeId> ids_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Client>> clients_;
  bool is_healed_ = false;
};

}  // namespace

Outcome simulate(uint64_t seed, std::ostream* trace) {
  return Simulation(seed, trace).run();
}

}  // namespace novacron::sim
