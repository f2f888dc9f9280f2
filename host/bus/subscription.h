// A subscription as the bus keeps it, and the index that finds the subscriptions of a subject. Guarded by the bus's
// mutex, except what never changes.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/bus/bus.h"

namespace novacron::host::bus {

struct Subscription {
  SubscriptionId id = 0;
  Interest interest;
  Callbacks callbacks;
  std::deque<EventPtr> queue;
  uint64_t missed = 0;          ///< dropped before the front of the queue, and not told yet
  std::optional<Error> ending;  ///< on_end is due once the queue is empty
  bool scheduled = false;       ///< its turn is given to the executor, or runs

  bool has_work() const { return !queue.empty() || ending; }
};
using SubscriptionPtr = std::shared_ptr<Subscription>;

/// A tree with a level for each token of a pattern.
class SubjectIndex final {
 public:
  void add(const SubscriptionPtr& subscription);
  void remove(const Subscription& subscription);
  /// Appends those whose pattern matches.
  void find(std::string_view subject, std::vector<SubscriptionPtr>& found) const;

 private:
  struct Node {
    std::map<std::string, Node, std::less<>> next;  ///< by token; '*' and '>' are tokens here too
    std::vector<SubscriptionPtr> here;              ///< whose pattern ends here
  };
  static void find(const Node& node, std::string_view rest, std::vector<SubscriptionPtr>& found);
  static bool remove(Node& node, std::string_view rest, SubscriptionId id);

  Node root_;
};

}  // namespace novacron::host::bus
