#include "host/resource/order.h"

#include <algorithm>

namespace novacron::host::resource {

namespace {
Error invalid(std::string message) {
  return {Code::kInvalidArgument, "order: " + std::move(message), "order.invalid"};
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}
}  // namespace

Result<Order::Key> Order::parse_key(const contract::MessageType& object, std::string_view text) {
  const std::string_view word = trim(text);
  const std::string_view path = word.substr(0, word.find(' '));
  const std::string_view direction = trim(word.substr(path.size()));
  if (!direction.empty() && direction != "asc" && direction != "desc")
    return invalid("\"" + std::string(direction) + "\" is neither asc nor desc; keys are joined by commas");
  auto resolved = contract::FieldPath::resolve(object, path);
  if (!resolved.ok()) return invalid(resolved.error().message);
  if (!resolved->is_ordered()) return invalid("\"" + std::string(path) + "\" has no order");
  if (resolved->is_secret()) return invalid("\"" + std::string(path) + "\" is secret");
  return Key{*std::move(resolved), direction == "desc" ? Direction::kDescending : Direction::kAscending};
}

Result<Order> Order::parse(const contract::MessageType& object, std::string_view text) {
  Order order;
  if (trim(text).empty()) return order;
  for (bool more = true; more;) {
    if (order.keys_.size() == kMaxOrderKeys) return invalid("more than 4 keys");
    const size_t comma = text.find(',');
    more = comma != std::string_view::npos;
    order.keys_.push_back(TRY(parse_key(object, text.substr(0, comma))));
    if (more) text.remove_prefix(comma + 1);
  }
  return order;
}

Order::Rank Order::rank_of(const google::protobuf::Message& object, std::string state_key) const {
  Rank rank{{}, std::move(state_key)};
  for (const auto& key : keys_) rank.values.push_back(key.path.read(object));
  return rank;
}

bool Order::before(const Rank& a, const Rank& b) const {
  for (size_t i = 0; i < keys_.size(); ++i) {
    const int order = keys_[i].path.compare(a.values[i], b.values[i]);
    if (order != 0) return (order < 0) == (keys_[i].direction == Direction::kAscending);
  }
  return a.state_key < b.state_key;
}

}  // namespace novacron::host::resource
