#include "tests/sim/raft/checks.h"

#include <algorithm>

namespace novacron::sim {

using host::raft::Core;
using host::raft::Index;

namespace {

std::string name_of(host::raft::NodeId node) {
  return "node " + std::to_string(node);
}

}  // namespace

void Checks::leads(const Core& core) {
  const auto term = core.hard_state().term;
  const auto [known, is_new] = leaders_.emplace(term, core.node());
  if (known->second != core.node()) {
    return fail("election safety: " + name_of(known->second) + " and " + name_of(core.node()) + " lead term " +
                std::to_string(term));
  }
  if (!is_new) return;
  const auto last =
      std::find_if(committed_.rbegin(), committed_.rend(), [&](const auto& c) { return c.seen_in < term; });
  const auto index = static_cast<Index>(committed_.rend() - last);
  if (index < core.log().first_index() || core.log().has(index, last->term)) return;
  fail("leader completeness: " + name_of(core.node()) + " leads term " + std::to_string(term) + " without entry " +
       std::to_string(index) + " of term " + std::to_string(last->term) + ", which was committed");
}

void Checks::applied(const Core& core, const host::raft::Entry& entry, const RegisterMachine& after) {
  if (entry.index == committed_.size() + 1) {
    committed_.push_back({entry.term, core.hard_state().term, entry.payload, after.digest()});
    return;
  }
  const bool is_known = entry.index <= committed_.size();
  const Committed* const known = is_known ? &committed_[entry.index - 1] : nullptr;
  if (known && known->term == entry.term && known->payload == entry.payload && known->digest == after.digest()) return;
  fail("state-machine safety: " + name_of(core.node()) + " applied another entry " + std::to_string(entry.index) +
       ", of term " + std::to_string(entry.term));
}

void Checks::installed(host::raft::NodeId node, const RegisterMachine& machine) {
  const Index index = machine.index();
  if (index <= committed_.size() && committed_[index - 1].digest == machine.digest()) return;
  fail("state-machine safety: " + name_of(node) + " installed a snapshot at " + std::to_string(index) +
       " of what was never committed");
}

void Checks::logs(const std::vector<const Core*>& cores) {
  for (size_t a = 0; a < cores.size(); ++a) {
    for (size_t b = a + 1; b < cores.size(); ++b) {
      const auto& one = cores[a]->log();
      const auto& other = cores[b]->log();
      const Index low = std::max(one.first_index(), other.first_index());
      bool agrees = false;
      for (Index index = std::min(one.last_index(), other.last_index()); index >= low; --index) {
        const bool is_same = one.at(index)->term == other.at(index)->term;
        if (agrees && (!is_same || one.at(index)->payload != other.at(index)->payload)) {
          return fail("log matching: " + name_of(cores[a]->node()) + " and " + name_of(cores[b]->node()) +
                      " differ at " + std::to_string(index) + " and agree behind it");
        }
        agrees = agrees || is_same;
      }
    }
  }
}

size_t Checks::called(uint64_t key, Operation operation) {
  histories_[key].push_back(std::move(operation));
  return histories_[key].size() - 1;
}

void Checks::answered(uint64_t key, size_t number, uint64_t now, uint64_t value) {
  Operation& operation = histories_[key][number];
  operation.answered = now;
  operation.value = value;
}

void Checks::histories() {
  for (const auto& [key, history] : histories_) {
    const Verdict verdict = check_register(history);
    if (!verdict.is_decided) ++undecided_;
    if (!verdict.is_linearizable) fail("linearizability of register " + std::to_string(key) + ":\n" + verdict.why);
  }
}

}  // namespace novacron::sim
