#include "host/state/engine.h"

#include "host/resource/services/method_table.h"
#include "host/resource/services/plugin_keys.h"
#include "host/resource/services/services.h"
#include "host/resource/services/stream_pump.h"
#include "host/state/sync.h"
#include "novacron/core/v1/state.pb.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::resource {
namespace {

namespace api = novacron::core::v1;

constexpr size_t kMaxQueuedChanges = 1'024;  ///< revisions that wait for one watcher

api::KeyValue entry_of(const state::Entry& entry, bool keys_only) {
  api::KeyValue out;
  out.set_key(std::string(name_of_key(entry.key)));
  if (!keys_only) out.set_value(entry.value);
  out.set_create_revision(entry.create_revision);
  out.set_mod_revision(entry.mod_revision);
  out.set_version(entry.version);
  out.set_lease(entry.lease);
  return out;
}

Result<state::Compare> compare_of(const plugin::ServerCall& call, const api::Compare& compare) {
  const bool known = compare.target() >= api::Compare::MOD_REVISION && compare.target() <= api::Compare::VALUE &&
                     compare.operator_() >= api::Compare::EQUAL && compare.operator_() <= api::Compare::GREATER;
  if (!known) {
    return Error{Code::kInvalidArgument, "a compare needs a target and an operator", "state.compare"};
  }
  state::Compare out;
  out.key = TRY(plugin_key(call, compare.key()));
  out.target = static_cast<state::Compare::Target>(compare.target() - api::Compare::MOD_REVISION);
  out.op = static_cast<state::Compare::Operator>(compare.operator_() - api::Compare::EQUAL);
  out.number = compare.number();
  out.value = compare.value();
  return out;
}

/// Whose a lease is stands in a key that ends with it, out of the reach of plugins.
std::string lease_key(const plugin::ServerCall& call, uint64_t lease) {
  const auth::Grant* grant = caller_grant(call);
  return "lease/" + (grant == nullptr ? std::string() : grant->plugin) + "/" + std::to_string(lease);
}

Status check_lease(const plugin::ServerCall& call, state::Sync& sync, uint64_t lease) {
  if (TRY(sync.get(lease_key(call, lease)))) return {};
  return Error{Code::kNotFound, "the caller has no such lease", "state.lease"};
}

Result<state::Write> write_of(const plugin::ServerCall& call, state::Sync& sync, const api::Write& write) {
  if (write.has_put()) {
    if (write.put().lease() != 0) TRY_STATUS(check_lease(call, sync, write.put().lease()));
    return state::Write(state::Put{TRY(plugin_key(call, write.put().key())), write.put().value(), write.put().lease()});
  }
  if (!write.has_remove()) return Error{Code::kInvalidArgument, "a write puts or removes", "state.write"};
  return state::Write(state::Remove{TRY(plugin_range(call, write.remove().begin(), write.remove().end()))});
}

/// What a watch has seen and its caller has not read.
class ChangeQueue {
 public:
  /// False: too much waits.
  bool push(std::string message) {
    const std::lock_guard lock(mutex_);
    if (why_) return true;  // what comes after the end is not told
    if (messages_.size() >= kMaxQueuedChanges) return false;
    messages_.push_back(std::move(message));
    return true;
  }
  void end(Error why) {
    const std::lock_guard lock(mutex_);
    if (!why_) why_ = std::move(why);
  }
  Result<std::deque<std::string>> take() {
    const std::lock_guard lock(mutex_);
    if (messages_.empty() && why_) return *why_;
    return std::exchange(messages_, {});
  }

 private:
  std::mutex mutex_;
  std::deque<std::string> messages_;
  std::optional<Error> why_;
};

/// Ends the engine's watch with the stream that reads it.
class EngineWatch {
 public:
  EngineWatch(state::Engine& engine, state::WatchId id) : engine_(engine), id_(id) {}
  ~EngineWatch() { engine_.unwatch(id_); }
  EngineWatch(const EngineWatch&) = delete;
  EngineWatch& operator=(const EngineWatch&) = delete;

 private:
  state::Engine& engine_;
  const state::WatchId id_;
};

std::string message_of(state::Revision revision, const std::vector<state::Event>& events) {
  api::WatchKeysReply reply;
  reply.set_revision(revision);
  for (const state::Event& event : events) {
    auto* out = reply.add_events();
    out->set_removed(event.removed());
    if (event.entry) {
      *out->mutable_entry() = entry_of(*event.entry, false);
    } else {
      out->mutable_entry()->set_key(std::string(name_of_key(event.key())));
    }
  }
  return reply.SerializeAsString();
}

class States {
 public:
  States(state::Engine& engine, WorkerPool& pool, TimerQueue& timers) : engine_(engine), pool_(pool), timers_(timers) {}

  Result<api::RangeReply> range(plugin::ServerCall& call, const api::RangeRequest& request) {
    state::RangeRequest wanted;
    wanted.keys = TRY(plugin_range(call, request.begin(), request.end()));
    wanted.limit = request.limit();
    wanted.at_revision = request.at_revision();
    const auto found = TRY(state::Sync(engine_, left_ms(call)).range(wanted));
    api::RangeReply reply;
    for (const auto& entry : found.entries) *reply.add_entries() = entry_of(*entry, request.keys_only());
    reply.set_more(found.more);
    reply.set_revision(found.revision);
    return reply;
  }

  Result<api::TxnReply> txn(plugin::ServerCall& call, const api::TxnRequest& request) {
    state::Sync sync(engine_, left_ms(call));
    state::Txn txn;
    for (const auto& compare : request.compares()) txn.compares.push_back(TRY(compare_of(call, compare)));
    for (const auto& write : request.writes()) txn.writes.push_back(TRY(write_of(call, sync, write)));
    for (const auto& write : request.otherwise()) txn.otherwise.push_back(TRY(write_of(call, sync, write)));
    const auto done = TRY(sync.txn(std::move(txn)));
    api::TxnReply reply;
    reply.set_succeeded(done.succeeded);
    reply.set_revision(done.revision);
    return reply;
  }

  void watch(const CallPtr& call, const api::WatchKeysRequest& request) {
    auto keys = plugin_range(*call, request.begin(), request.end());
    if (!keys.ok()) return call->finish(std::move(keys).error());
    auto pump = std::make_shared<StreamPump>(call, pool_, timers_);
    auto queue = std::make_shared<ChangeQueue>();
    state::WatchCallbacks callbacks;
    callbacks.on_changes = [pump, queue](state::Revision revision, const std::vector<state::Event>& events) {
      if (!queue->push(message_of(revision, events))) {
        queue->end({Code::kOutOfRange, "the watcher is too slow: watch again after the last revision seen",
                    "state.watch-lagged"});
      }
      pump->wake();
    };
    callbacks.on_end = [pump, queue](Error why) {
      queue->end(std::move(why));
      pump->wake();
    };
    const auto id = engine_.watch({*std::move(keys), request.after_revision()}, std::move(callbacks));
    auto watch = std::make_shared<EngineWatch>(engine_, id);
    pump->start([queue, watch] { return queue->take(); });
  }

  Result<api::LeaseReply> grant(plugin::ServerCall& call, const api::LeaseGrantRequest& request) {
    state::Sync sync(engine_, left_ms(call));
    const auto lease = TRY(sync.grant_lease(request.ttl_ms()));
    TRY(sync.put(lease_key(call, lease.id), "", lease.id));
    return lease_of(lease);
  }
  Result<api::LeaseReply> keep(plugin::ServerCall& call, const api::LeaseRequest& request) {
    state::Sync sync(engine_, left_ms(call));
    TRY_STATUS(check_lease(call, sync, request.lease()));
    return lease_of(TRY(sync.keep_lease(request.lease())));
  }
  Result<api::LeaseReply> revoke(plugin::ServerCall& call, const api::LeaseRequest& request) {
    state::Sync sync(engine_, left_ms(call));
    TRY_STATUS(check_lease(call, sync, request.lease()));
    TRY_STATUS(sync.revoke_lease(request.lease()));
    return api::LeaseReply{};
  }

 private:
  static api::LeaseReply lease_of(const state::Lease& lease) {
    api::LeaseReply reply;
    reply.set_lease(lease.id);
    reply.set_ttl_ms(lease.ttl_ms);
    return reply;
  }

  state::Engine& engine_;
  WorkerPool& pool_;
  TimerQueue& timers_;
};

}  // namespace

std::unique_ptr<plugin::Service> make_state_service(state::Engine& engine, WorkerPool& pool, TimerQueue& timers) {
  auto impl = std::make_shared<States>(engine, pool, timers);
  auto table = std::make_unique<MethodTable>("novacron.core.v1.State");
  const auto with = [&impl](auto function) {
    return [impl, function](plugin::ServerCall& call, const auto& request) { return (*impl.*function)(call, request); };
  };
  table->unary<api::RangeRequest, api::RangeReply>("Range", with(&States::range));
  table->unary<api::TxnRequest, api::TxnReply>("Txn", with(&States::txn));
  table->custom<api::WatchKeysRequest>(
      "Watch", NC_METHOD_SERVER_STREAM,
      [impl](const CallPtr& call, const api::WatchKeysRequest& request) { impl->watch(call, request); });
  table->unary<api::LeaseGrantRequest, api::LeaseReply>("GrantLease", with(&States::grant));
  table->unary<api::LeaseRequest, api::LeaseReply>("KeepLease", with(&States::keep));
  table->unary<api::LeaseRequest, api::LeaseReply>("RevokeLease", with(&States::revoke));
  return table;
}

}  // namespace novacron::host::resource
