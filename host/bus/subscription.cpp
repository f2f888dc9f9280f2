#include "host/bus/subscription.h"

#include <algorithm>

#include "host/bus/subject.h"

namespace novacron::host::bus {
void SubjectIndex::add(const SubscriptionPtr& subscription) {
  Node* node = &root_;
  for (std::string_view rest = subscription->interest.pattern; !rest.empty();)
    node = &node->next.try_emplace(std::string(next_token(rest))).first->second;
  node->here.push_back(subscription);
}

void SubjectIndex::remove(const Subscription& subscription) {
  remove(root_, subscription.interest.pattern, subscription.id);
}

/// True: nothing is left in the node.
bool SubjectIndex::remove(Node& node, std::string_view rest, SubscriptionId id) {
  if (rest.empty()) {
    const auto gone =
        std::remove_if(node.here.begin(), node.here.end(), [id](const auto& each) { return each->id == id; });
    node.here.erase(gone, node.here.end());
  } else {
    const auto child = node.next.find(next_token(rest));
    if (child != node.next.end() && remove(child->second, rest, id)) node.next.erase(child);
  }
  return node.here.empty() && node.next.empty();
}

void SubjectIndex::find(std::string_view subject, std::vector<SubscriptionPtr>& found) const {
  find(root_, subject, found);
}

void SubjectIndex::find(const Node& node, std::string_view rest, std::vector<SubscriptionPtr>& found) {
  if (rest.empty()) {
    found.insert(found.end(), node.here.begin(), node.here.end());
    return;
  }
  if (node.next.empty()) return;
  const auto tail = node.next.find(">");
  if (tail != node.next.end()) found.insert(found.end(), tail->second.here.begin(), tail->second.here.end());
  const auto token = next_token(rest);
  const auto exact = node.next.find(token);
  if (exact != node.next.end()) find(exact->second, rest, found);
  const auto any = node.next.find("*");
  if (any != node.next.end()) find(any->second, rest, found);
}

}  // namespace novacron::host::bus
