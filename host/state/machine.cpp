#include "host/state/machine.h"

#include <algorithm>
#include <cassert>

namespace novacron::host::state {
namespace {

template <class Value>
bool compares(const Value& left, Compare::Operator op, const Value& right) {
  switch (op) {
    case Compare::Operator::kEqual:
      return left == right;
    case Compare::Operator::kNotEqual:
      return left != right;
    case Compare::Operator::kLess:
      return left < right;
    case Compare::Operator::kGreater:
      return left > right;
  }
  return false;
}

Error no_lease(uint64_t lease) {
  return {Code::kNotFound, "the lease " + std::to_string(lease) + " is not there or has ended", "state.lease"};
}

}  // namespace

void Machine::skip(uint64_t index) {
  assert(index == index_ + 1);
  index_ = index;
}

Result<Outcome> Machine::apply(Command command, uint64_t index) {
  skip(index);
  if (auto* txn = std::get_if<Txn>(&command.what)) return apply_what(*txn, command.time_ns);
  if (const auto* grant = std::get_if<GrantLease>(&command.what)) return apply_what(*grant);
  if (const auto* end = std::get_if<EndLease>(&command.what)) return apply_what(*end, command.time_ns);
  if (const auto* compact = std::get_if<Compact>(&command.what)) return apply_what(*compact);
  return apply_what(std::get<OpenSession>(command.what));
}

/// The part of it that is about the session; execute() is the transaction itself.
Result<Outcome> Machine::apply_what(Txn& txn, uint64_t time_ns) {
  if (txn.session == 0) return execute(txn, time_ns);
  const uint64_t sequence = txn.sequence;
  const auto found = sessions_.find(txn.session);
  if (found == sessions_.end())
    return Error{Code::kFailedPrecondition, "the session is not there or was forgotten: open a new one",
                 "state.session"};
  Session& state = found->second;
  state.used_index = index_;
  const auto reply = state.replies.find(sequence);
  if (reply != state.replies.end()) return reply->second;
  if (sequence <= state.forgotten)
    return Error{Code::kFailedPrecondition,
                 "only the last " + std::to_string(kSessionReplies) + " transactions of a session are remembered",
                 "state.sequence"};
  const Outcome outcome = TRY(execute(txn, time_ns));
  state.replies.emplace(sequence, outcome);
  if (state.replies.size() > kSessionReplies) {
    state.forgotten = std::max(state.forgotten, state.replies.begin()->first);
    state.replies.erase(state.replies.begin());
  }
  return outcome;
}

Result<Outcome> Machine::execute(Txn& txn, uint64_t time_ns) {
  const bool succeeded =
      std::all_of(txn.compares.begin(), txn.compares.end(), [this](const Compare& compare) { return holds(compare); });
  auto mutations = TRY(mutations_of(succeeded ? txn.writes : txn.otherwise));
  TRY_STATUS(check_leases(mutations));
  commit(time_ns, std::move(mutations));
  return Outcome{.succeeded = succeeded, .revision = keys_.revision()};
}

bool Machine::holds(const Compare& compare) const {
  const EntryPtr entry = keys_.find(compare.key);
  switch (compare.target) {
    case Compare::Target::kModRevision:
      return compares(entry ? entry->mod_revision : 0, compare.op, compare.number);
    case Compare::Target::kVersion:
      return compares(entry ? entry->version : 0, compare.op, compare.number);
    case Compare::Target::kValue:
      return entry && compares(entry->value, compare.op, compare.value);
  }
  return false;
}

/// A removed range becomes its keys, each once however often ranges name it.
Result<std::vector<Mutation>> Machine::mutations_of(std::vector<Write>& writes) const {
  std::vector<Mutation> mutations;
  std::set<std::string_view> removed;
  for (Write& write : writes) {
    if (auto* put = std::get_if<Put>(&write)) {
      mutations.push_back({Mutation::Kind::kPut, std::move(put->key), std::move(put->value), put->lease});
      continue;
    }
    const auto found = keys_.range(std::get<Remove>(write).keys, keys_.revision(), kMaxTxnKeys, SIZE_MAX);
    for (const EntryPtr& entry : found.entries)
      if (removed.insert(entry->key).second) mutations.push_back({Mutation::Kind::kRemove, entry->key});
    if (mutations.size() > kMaxTxnKeys || found.more)
      return Error{Code::kResourceExhausted,
                   "a transaction writes at most " + std::to_string(kMaxTxnKeys) + " keys: remove them in parts",
                   "state.txn-keys"};
  }
  return mutations;
}

Status Machine::check_leases(const std::vector<Mutation>& mutations) const {
  std::map<uint64_t, size_t> added;
  for (const Mutation& mutation : mutations) {
    if (mutation.lease == 0) continue;
    const auto lease = leases_.find(mutation.lease);
    if (lease == leases_.end()) return no_lease(mutation.lease);
    if (lease->second.keys.count(mutation.key) > 0) continue;
    if (lease->second.keys.size() + ++added[mutation.lease] > kMaxLeaseKeys)
      return Error{Code::kResourceExhausted, "a lease holds at most " + std::to_string(kMaxLeaseKeys) + " keys",
                   "state.lease-keys"};
  }
  return {};
}

void Machine::commit(uint64_t time_ns, std::vector<Mutation> mutations) {
  if (mutations.empty()) return;
  const ChangePtr change = keys_.change(time_ns, std::move(mutations));
  for (const Event& event : change->events) {
    const uint64_t before = event.previous ? event.previous->lease : 0;
    const uint64_t after = event.entry ? event.entry->lease : 0;
    if (before == after) continue;
    if (const auto lease = leases_.find(before); lease != leases_.end()) lease->second.keys.erase(event.key());
    if (after != 0) leases_.at(after).keys.insert(event.key());
  }
}

Result<Outcome> Machine::apply_what(const GrantLease& grant) {
  if (leases_.size() >= kMaxLeases)
    return Error{Code::kResourceExhausted, "there are " + std::to_string(kMaxLeases) + " leases already",
                 "state.leases"};
  leases_[index_].ttl_ms = grant.ttl_ms;
  ++lease_changes_;
  return Outcome{.revision = keys_.revision(), .id = index_};
}

Result<Outcome> Machine::apply_what(const EndLease& end, uint64_t time_ns) {
  const auto found = leases_.find(end.lease);
  if (found == leases_.end()) return no_lease(end.lease);
  std::vector<Mutation> mutations;
  for (const std::string& key : found->second.keys) mutations.push_back({Mutation::Kind::kRemove, key});
  leases_.erase(found);
  ++lease_changes_;
  commit(time_ns, std::move(mutations));
  return Outcome{.revision = keys_.revision(), .id = end.lease};
}

Result<Outcome> Machine::apply_what(const OpenSession&) {
  if (sessions_.size() >= kMaxSessions)
    sessions_.erase(std::min_element(sessions_.begin(), sessions_.end(), [](const auto& left, const auto& right) {
      return left.second.used_index < right.second.used_index;
    }));
  sessions_[index_].used_index = index_;
  return Outcome{.revision = keys_.revision(), .id = index_};
}

Result<Outcome> Machine::apply_what(const Compact& compact) {
  keys_.set_floor(compact.revision);
  return Outcome{.revision = keys_.revision()};
}

void Machine::restore_lease_keys() {
  RangeReply page;
  KeyRange rest = KeyRange::all();
  do {
    page = keys_.range(rest, keys_.revision(), kMaxRangeEntries);
    for (const EntryPtr& entry : page.entries)
      if (const auto lease = leases_.find(entry->lease); lease != leases_.end()) lease->second.keys.insert(entry->key);
    if (page.more) rest.begin = page.entries.back()->key + '\0';
  } while (page.more);
}

}  // namespace novacron::host::state
