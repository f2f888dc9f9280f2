#include <algorithm>

#include "novacron/testing/resources.h"

namespace novacron::testing {

using namespace core::v1;

namespace {

bool is_in(const std::string& key, const std::string& begin, const std::string& end) {
  if (end.empty()) return key == begin;
  return key >= begin && (end == std::string(1, '\0') || key < end);
}

template <class T>
bool compares(Compare::Operator how, const T& left, const T& right) {
  switch (how) {
    case Compare::Operator::kEqual:
      return left == right;
    case Compare::Operator::kNotEqual:
      return left != right;
    case Compare::Operator::kLess:
      return left < right;
    case Compare::Operator::kGreater:
      return left > right;
    default:
      return false;
  }
}

}  // namespace

Result<RangeReply> State::range(Call&, const RangeRequest& request) {
  const std::lock_guard lock(mutex_);
  const size_t limit = request.limit == 0 ? 1'000 : request.limit;
  RangeReply reply{.revision = revision_};
  for (const auto& [key, entry] : entries_) {
    if (!is_in(key, request.begin, request.end)) continue;
    if (reply.entries.size() == limit) {
      reply.more = true;
      break;
    }
    reply.entries.push_back(entry);
    if (request.keys_only) reply.entries.back().value.clear();
  }
  return reply;
}

Result<TxnReply> State::txn(Call&, const TxnRequest& request) {
  const std::lock_guard lock(mutex_);
  const bool succeeded =
      std::all_of(request.compares.begin(), request.compares.end(), [this](const Compare& c) { return holds(c); });
  const auto& writes = succeeded ? request.writes : request.otherwise;
  if (!writes.empty()) ++revision_;
  for (const Write& write : writes) apply(write);
  return TxnReply{.succeeded = succeeded, .revision = revision_};
}

bool State::holds(const Compare& compare) const {
  const auto found = entries_.find(compare.key);
  const KeyValue entry = found == entries_.end() ? KeyValue{} : found->second;
  switch (compare.target) {
    case Compare::Target::kModRevision:
      return compares(compare.operator_, entry.mod_revision, compare.number);
    case Compare::Target::kVersion:
      return compares(compare.operator_, entry.version, compare.number);
    case Compare::Target::kValue:
      return compares(compare.operator_, entry.value, compare.value);
    default:
      return false;
  }
}

void State::apply(const Write& write) {
  if (write.put() != nullptr) return store(*write.put());
  if (const Write::Remove* remove = write.remove()) {
    std::erase_if(entries_, [&](const auto& entry) { return is_in(entry.first, remove->begin, remove->end); });
  }
}

void State::store(const Write::Put& put) {
  KeyValue& entry = entries_[put.key];
  if (entry.version == 0) entry.create_revision = revision_;
  entry.key = put.key;
  entry.value = put.value;
  entry.lease = put.lease;
  entry.mod_revision = revision_;
  ++entry.version;
}

void State::put(const std::string& key, const std::string& value) {
  const std::lock_guard lock(mutex_);
  ++revision_;
  store({.key = key, .value = value});
}

std::optional<std::string> State::get(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  return found->second.value;
}

Result<Claim> Claims::acquire(Call&, const AcquireClaimRequest& request) {
  const std::lock_guard lock(mutex_);
  const auto held = claims_.find(request.uid);
  if (held == claims_.end()) {
    return claims_[request.uid] = Claim{.uid = request.uid, .node = node_, .incarnation = "1", .fence = ++last_fence_};
  }
  if (held->second.node == node_) return held->second;
  return Error{.code = Code::kAborted, .message = held->second.node + " holds it", .reason = "claim.held"};
}

Result<ReleaseClaimReply> Claims::release(Call&, const ReleaseClaimRequest& request) {
  const std::lock_guard lock(mutex_);
  const auto held = claims_.find(request.uid);
  if (held == claims_.end()) return ReleaseClaimReply{};
  if (held->second.node != node_ || held->second.fence != request.fence) {
    return Error{.code = Code::kAborted, .message = "another claim has followed", .reason = "claim.held"};
  }
  claims_.erase(held);
  return ReleaseClaimReply{};
}

Result<Claim> Claims::get(Call&, const GetClaimRequest& request) {
  const std::lock_guard lock(mutex_);
  const auto held = claims_.find(request.uid);
  if (held != claims_.end()) return held->second;
  return Error{.code = Code::kNotFound, .message = "nobody holds it", .reason = "claim.not-found"};
}

void Claims::hold(const std::string& uid, const std::string& node) {
  const std::lock_guard lock(mutex_);
  claims_[uid] = Claim{.uid = uid, .node = node, .incarnation = "1", .fence = ++last_fence_};
}

}  // namespace novacron::testing
