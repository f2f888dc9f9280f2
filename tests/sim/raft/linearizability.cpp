#include "tests/sim/raft/linearizability.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <limits>
#include <unordered_set>

namespace novacron::sim {
namespace {

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

/// One operation's call or its answer, in a list from which both can be lifted and put back.
struct Event {
  size_t operation;
  bool is_answer;
  size_t previous;
  size_t next;
  size_t partner;  ///< the answer of a call
};

class Search final {
 public:
  explicit Search(std::vector<Operation> operations) : operations_(std::move(operations)) {
    done_.assign((operations_.size() + 63) / 64, 0);
    link();
  }

  Verdict run() {
    size_t at = events_[0].next;
    while (at != 0) {
      if (seen_.size() >= kMaxStates) return {true, false, ""};
      const Event& event = events_[at];
      if (!event.is_answer) {
        at = try_next(at) ? events_[0].next : event.next;
        if (stack_.size() == operations_.size()) return {};
        continue;
      }
      // These come last: all that was answered has its place, and the rest never happened.
      if (operations_[event.operation].answered == std::nullopt) return {};
      // Its call cannot wait any longer: what was tried so far does not fit.
      if (stack_.empty()) return failure();
      at = undo();
    }
    return {};
  }

 private:
  struct Step {
    size_t call;
    uint64_t value_before;
  };

  void link() {
    struct Moment {
      uint64_t time;
      bool is_answer;
      size_t operation;
    };
    std::vector<Moment> moments;
    for (size_t i = 0; i < operations_.size(); ++i) {
      moments.push_back({operations_[i].called, false, i});
      moments.push_back({operations_[i].answered.value_or(kNever), true, i});
    }
    std::sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) {
      return a.time != b.time ? a.time < b.time : a.is_answer < b.is_answer;
    });
    events_.push_back({0, false, 0, moments.empty() ? 0u : 1u, 0});
    std::vector<size_t> calls(operations_.size());
    for (size_t i = 0; i < moments.size(); ++i) {
      const size_t at = i + 1;
      events_.push_back({moments[i].operation, moments[i].is_answer, i, i + 1 < moments.size() ? at + 1 : 0, 0});
      if (moments[i].is_answer) {
        events_[calls[moments[i].operation]].partner = at;
      } else {
        calls[moments[i].operation] = at;
      }
    }
  }

  bool try_next(size_t call) {
    const size_t number = events_[call].operation;
    const Operation& operation = operations_[number];
    const bool is_read = operation.kind == Operation::Kind::kRead;
    if (is_read && operation.value != value_) return false;
    flip(number);
    const uint64_t after = is_read ? value_ : operation.value;
    if (!seen_.insert(state(after)).second) {
      flip(number);
      return false;
    }
    stack_.push_back({call, value_});
    value_ = after;
    lift(call);
    lift(events_[call].partner);
    return true;
  }

  /// Takes the last step back; where to go on.
  size_t undo() {
    if (stack_.size() > longest_.size()) remember_longest();
    const Step step = stack_.back();
    stack_.pop_back();
    value_ = step.value_before;
    flip(events_[step.call].operation);
    put_back(events_[step.call].partner);
    put_back(step.call);
    return events_[step.call].next;
  }

  void lift(size_t at) {
    events_[events_[at].previous].next = events_[at].next;
    if (events_[at].next != 0) events_[events_[at].next].previous = events_[at].previous;
  }
  void put_back(size_t at) {
    events_[events_[at].previous].next = at;
    if (events_[at].next != 0) events_[events_[at].next].previous = at;
  }
  void flip(size_t number) { done_[number / 64] ^= uint64_t{1} << (number % 64); }

  /// What is done is dense at its beginning and absent at its end, so only the words in between are kept.
  std::string state(uint64_t value) const {
    const auto first = std::find_if(done_.begin(), done_.end(), [](uint64_t word) { return word != ~uint64_t{0}; });
    const auto last =
        std::find_if(done_.rbegin(), std::make_reverse_iterator(first), [](uint64_t word) { return word; });
    std::vector<uint64_t> key(first, last.base());
    key.push_back(static_cast<uint64_t>(first - done_.begin()));
    key.push_back(value);
    return std::string(reinterpret_cast<const char*>(key.data()), key.size() * sizeof(uint64_t));
  }

  void remember_longest() {
    longest_.clear();
    for (const Step& step : stack_) longest_.push_back(events_[step.call].operation);
  }

  Verdict failure() const {
    Verdict verdict{false, true, ""};
    const size_t shown = std::min<size_t>(longest_.size(), 8);
    for (size_t i = longest_.size() - shown; i < longest_.size(); ++i) verdict.why += describe(longest_[i]) + "\n";
    std::vector<bool> placed(operations_.size());
    for (const size_t number : longest_) placed[number] = true;
    size_t first = operations_.size();
    for (size_t i = 0; i < operations_.size(); ++i) {
      const bool is_earlier = first == operations_.size() ||
                              operations_[i].answered.value_or(kNever) < operations_[first].answered.value_or(kNever);
      if (!placed[i] && is_earlier) first = i;
    }
    verdict.why += "and then cannot: " + describe(first);
    return verdict;
  }

  std::string describe(size_t number) const {
    const Operation& operation = operations_[number];
    return operation.who + (operation.kind == Operation::Kind::kRead ? " read " : " wrote ") +
           std::to_string(operation.value) + " between " + std::to_string(operation.called) + " and " +
           (operation.answered ? std::to_string(*operation.answered) : "ever");
  }

  const std::vector<Operation> operations_;
  std::vector<Event> events_;  ///< the first one is the list's head
  std::vector<uint64_t> done_;
  std::vector<Step> stack_;
  std::vector<size_t> longest_;
  std::unordered_set<std::string> seen_;
  uint64_t value_ = 0;
};

}  // namespace

Verdict check_register(std::vector<Operation> operations) {
  std::erase_if(operations, [](const Operation& operation) {
    return operation.kind == Operation::Kind::kRead && !operation.answered;
  });
  assert(operations.size() <= kMaxOperations);
  return Search(std::move(operations)).run();
}

}  // namespace novacron::sim
