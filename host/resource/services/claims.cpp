#include <algorithm>

#include "host/resource/keys.h"
#include "host/resource/services/method_table.h"
#include "host/resource/services/services.h"
#include "host/state/sync.h"
#include "novacron/core/v1/state.pb.h"

namespace novacron::host::resource {
namespace {

namespace api = novacron::core::v1;

constexpr std::string_view kGrantedPrefix = "claim/";
constexpr size_t kMaxUidBytes = 63;
constexpr int kMaxAttempts = 8;  // against others who take and release the same claim

Status check(const plugin::ServerCall& call, const std::string& uid) {
  const auth::Grant* grant = caller_grant(call);
  if (grant != nullptr && std::find(grant->state.begin(), grant->state.end(), kGrantedPrefix) == grant->state.end()) {
    return Error{Code::kPermissionDenied, "plugin " + grant->plugin + " lacks the permission state \"claim/\"",
                 "auth.denied"};
  }
  if (uid.empty() || uid.size() > kMaxUidBytes || uid.find('/') != std::string::npos) {
    return Error{Code::kInvalidArgument, "a claim is on a uid", "claim.uid"};
  }
  return {};
}

/// The fence is the revision at which the claim came to be: no later owner ever has a lower one.
api::Claim claim_of(const std::string& uid, const state::Entry& entry) {
  api::Claim claim;
  claim.ParseFromString(entry.value);
  claim.set_uid(uid);
  claim.set_fence(entry.create_revision);
  return claim;
}

class Claims {
 public:
  Claims(state::Engine& engine, std::string node, std::string incarnation)
      : engine_(engine), node_(std::move(node)), incarnation_(std::move(incarnation)) {}

  Result<api::Claim> acquire(plugin::ServerCall& call, const api::AcquireClaimRequest& request) {
    TRY_STATUS(check(call, request.uid()));
    const std::string& node = acting_node(call);
    state::Sync state(engine_, left_ms(call));
    for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
      const state::EntryPtr held = TRY(state.get(claim_key(request.uid())));
      if (held != nullptr && claim_of(request.uid(), *held).node() != node) return held_elsewhere(request.uid(), *held);
      if (held != nullptr && claim_of(request.uid(), *held).incarnation() == incarnation_) {
        return claim_of(request.uid(), *held);
      }
      const auto written = TRY(state.txn(take(request.uid(), node, held)));
      if (!written.succeeded) continue;
      const state::EntryPtr taken = TRY(state.get(claim_key(request.uid())));
      if (taken != nullptr && claim_of(request.uid(), *taken).node() == node) return claim_of(request.uid(), *taken);
    }
    return Error{Code::kAborted, "others take and release the claim on " + request.uid() + " all the time",
                 "claim.contended"};
  }

  Result<api::ReleaseClaimReply> release(plugin::ServerCall& call, const api::ReleaseClaimRequest& request) {
    TRY_STATUS(check(call, request.uid()));
    state::Sync state(engine_, left_ms(call));
    const state::EntryPtr held = TRY(state.get(claim_key(request.uid())));
    if (held == nullptr) return none(request.uid());
    const api::Claim claim = claim_of(request.uid(), *held);
    if (claim.node() != acting_node(call)) return held_elsewhere(request.uid(), *held);
    state::Txn txn;
    txn.compares.push_back(state::Compare::unchanged(held->key, held->mod_revision));
    txn.writes.push_back(state::Remove{state::KeyRange::one(held->key)});
    if (claim.fence() != request.fence() || !TRY(state.txn(txn)).succeeded) {
      return Error{Code::kAborted, "the claim on " + request.uid() + " is not the one that is released", "claim.stale"};
    }
    return api::ReleaseClaimReply{};
  }

  Result<api::Claim> get(plugin::ServerCall& call, const api::GetClaimRequest& request) {
    TRY_STATUS(check(call, request.uid()));
    const state::EntryPtr held = TRY(state::Sync(engine_, left_ms(call)).get(claim_key(request.uid())));
    if (held == nullptr) return none(request.uid());
    return claim_of(request.uid(), *held);
  }

 private:
  /// The one that the caller named among those that this host answers for.
  const std::string& acting_node(const plugin::ServerCall& call) const {
    return call.node().empty() ? node_ : call.node();
  }
  state::Txn take(const std::string& uid, const std::string& node, const state::EntryPtr& held) const {
    api::Claim claim;
    claim.set_node(node);
    claim.set_incarnation(incarnation_);
    state::Txn txn;
    txn.compares.push_back(state::Compare::unchanged(claim_key(uid), held == nullptr ? 0 : held->mod_revision));
    txn.writes.push_back(state::Put{claim_key(uid), claim.SerializeAsString()});
    return txn;
  }
  static Error held_elsewhere(const std::string& uid, const state::Entry& entry) {
    return {Code::kAborted, "node " + claim_of(uid, entry).node() + " holds the claim on " + uid, "claim.held"};
  }
  static Error none(const std::string& uid) {
    return {Code::kNotFound, "nobody holds a claim on " + uid, "claim.none"};
  }

  state::Engine& engine_;
  const std::string node_;
  const std::string incarnation_;
};

}  // namespace

std::unique_ptr<plugin::Service> make_claims_service(state::Engine& engine, std::string node, std::string incarnation) {
  auto claims = std::make_shared<Claims>(engine, std::move(node), std::move(incarnation));
  auto table = std::make_unique<MethodTable>("novacron.core.v1.Claims");
  table->unary<api::AcquireClaimRequest, api::Claim>(
      "Acquire", [claims](plugin::ServerCall& call, const auto& request) { return claims->acquire(call, request); });
  table->unary<api::ReleaseClaimRequest, api::ReleaseClaimReply>(
      "Release", [claims](plugin::ServerCall& call, const auto& request) { return claims->release(call, request); });
  table->unary<api::GetClaimRequest, api::Claim>(
      "Get", [claims](plugin::ServerCall& call, const auto& request) { return claims->get(call, request); });
  return table;
}

}  // namespace novacron::host::resource
