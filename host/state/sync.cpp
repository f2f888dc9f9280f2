#include "host/state/sync.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "host/trace/scope.h"

namespace novacron::host::state {
namespace {

/// Shared by the waiting thread and the callback, because the callback may come after the wait has ended.
template <class T>
struct Answer {
  std::mutex mutex;
  std::condition_variable ready;
  std::optional<Result<T>> result;
};

template <class T, class Start>
Result<T> wait_for(uint64_t timeout_ms, Start start) {
  auto answer = std::make_shared<Answer<T>>();
  start(Callback<T>([answer](Result<T> result) {
    std::lock_guard lock(answer->mutex);
    answer->result.emplace(std::move(result));
    answer->ready.notify_one();
  }));
  std::unique_lock lock(answer->mutex);
  if (!answer->ready.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return answer->result.has_value(); }))
    return Error{Code::kDeadlineExceeded,
                 "the state engine did not answer within " + std::to_string(timeout_ms) + " ms", "state.deadline"};
  return *std::move(answer->result);
}

void note_outcome(trace::Span& span, const Result<TxnReply>& reply) {
  if (!reply.ok()) return span.fail(reply.error().reason);
  span.set("novacron.compares_held", reply->succeeded ? 1 : 0);
  span.set("novacron.revision", static_cast<int64_t>(reply->revision));
}

}  // namespace

Result<TxnReply> Sync::txn(Txn txn) {
  trace::Part part("state transaction");
  if (part.span()) {
    part.span()->set("novacron.compares", static_cast<int64_t>(txn.compares.size()));
    part.span()->set("novacron.writes", static_cast<int64_t>(txn.writes.size()));
  }
  auto reply = wait_for<TxnReply>(timeout_ms_, [&](auto done) { engine_.txn(std::move(txn), std::move(done)); });
  if (part.span()) note_outcome(*part.span(), reply);
  return reply;
}

Result<RangeReply> Sync::range(RangeRequest request) {
  return wait_for<RangeReply>(timeout_ms_, [&](auto done) { engine_.range(std::move(request), std::move(done)); });
}

Result<EntryPtr> Sync::get(std::string key) {
  auto reply = TRY(range({.keys = KeyRange::one(std::move(key))}));
  return reply.entries.empty() ? EntryPtr() : std::move(reply.entries.front());
}

Result<Revision> Sync::put(std::string key, std::string value, uint64_t lease) {
  Txn change;
  change.writes.push_back(Put{std::move(key), std::move(value), lease});
  return TRY(txn(std::move(change))).revision;
}

Result<Revision> Sync::remove(KeyRange keys) {
  Txn change;
  change.writes.push_back(Remove{std::move(keys)});
  return TRY(txn(std::move(change))).revision;
}

Result<Lease> Sync::grant_lease(uint64_t ttl_ms) {
  return wait_for<Lease>(timeout_ms_, [&](auto done) { engine_.grant_lease(ttl_ms, std::move(done)); });
}

Result<Lease> Sync::keep_lease(uint64_t lease) {
  return wait_for<Lease>(timeout_ms_, [&](auto done) { engine_.keep_lease(lease, std::move(done)); });
}

Status Sync::revoke_lease(uint64_t lease) {
  return wait_for<void>(timeout_ms_, [&](auto done) { engine_.revoke_lease(lease, std::move(done)); });
}

Result<uint64_t> Sync::open_session() {
  return wait_for<uint64_t>(timeout_ms_, [&](auto done) { engine_.open_session(std::move(done)); });
}

Status Sync::compact(Revision revision) {
  return wait_for<void>(timeout_ms_, [&](auto done) { engine_.compact(revision, std::move(done)); });
}

}  // namespace novacron::host::state
