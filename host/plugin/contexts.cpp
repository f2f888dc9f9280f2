#include "host/plugin/contexts.h"

#include <algorithm>

#include "host/base/log.h"
#include "host/bus/subject.h"
#include "host/plugin/broker.h"
#include "host/plugin/core_services.h"

namespace novacron::host::plugin {
namespace {

constexpr size_t kMaxContexts = 65'536;

Error denied(const auth::Grant& grant, std::string_view wanted, std::string_view permission) {
  return {Code::kPermissionDenied,
          "plugin " + grant.plugin + " may not " + std::string(permission) + ' ' + std::string(wanted) +
              "; grant it permissions." + std::string(permission) + " \"" + std::string(wanted) + '"',
          "auth.denied"};
}

template <class Allows>
Status every_grant(const auth::Context& context, std::string_view wanted, std::string_view permission,
                   std::vector<std::string> auth::Grant::*list, Allows&& allows) {
  for (const auto& grant : context.chain) {
    const auto& allowed = (*grant).*list;
    if (std::none_of(allowed.begin(), allowed.end(), allows)) return denied(*grant, wanted, permission);
  }
  return {};
}

}  // namespace

Status may_call(const auth::Context& context, std::string_view service) {
  if (is_host_service(service)) return {};
  return every_grant(context, service, "call", &auth::Grant::call,
                     [&](const std::string& allowed) { return allowed == service; });
}

Status may_publish(const auth::Context& context, std::string_view subject) {
  return every_grant(context, subject, "publish", &auth::Grant::publish,
                     [&](const std::string& allowed) { return bus::matches(allowed, subject); });
}

Status may_subscribe(const auth::Context& context, std::string_view pattern) {
  return every_grant(context, pattern, "subscribe", &auth::Grant::subscribe,
                     [&](const std::string& allowed) { return bus::covers(allowed, pattern); });
}

struct Contexts::Entry {
  auth::ContextPtr context;
  uint64_t until_ns = UINT64_MAX;
  bool held = false;
  mutable std::mutex mutex;
  mutable auth::ContextPtr onward;  ///< made at the first use
};

Contexts::Contexts(const Clock& clock, std::string plugin, std::shared_ptr<const auth::Grant> grant,
                   const std::string& node)
    : clock_(clock), plugin_(std::move(plugin)), grant_(std::move(grant)), table_(kMaxContexts) {
  auto own = std::make_shared<auth::Context>();
  own->identity.principal = "plugin:" + plugin_;
  own->chain = {grant_};
  own->node = node;
  own_ = std::move(own);
}

nc_context Contexts::begin(auth::ContextPtr context) {
  auto entry = std::make_shared<Entry>();
  entry->context = std::move(context);
  return table_.insert(std::move(entry));
}

void Contexts::end(nc_context id) {
  table_.take(id);
}

Contexts::EntryPtr Contexts::live(nc_context id) const {
  EntryPtr entry = table_.find(id);
  if (!entry || entry->until_ns == UINT64_MAX) return entry;
  return clock_.monotonic_ns() < entry->until_ns ? entry : nullptr;
}

nc_context Contexts::hold(nc_context id, uint64_t until_ns) {
  const EntryPtr source = live(id);
  if (!source) return 0;
  const uint64_t now_ns = clock_.monotonic_ns();
  auto entry = std::make_shared<Entry>();
  entry->context = source->context;
  entry->until_ns = std::min({until_ns, source->until_ns, now_ns + kMaxHoldNs});
  entry->held = true;
  std::lock_guard lock(hold_mutex_);
  if (held_ >= kMaxHeldContexts) {
    held_ -= table_.take_if([&](const EntryPtr& e) { return e->held && now_ns >= e->until_ns; }).size();
  }
  if (held_ >= kMaxHeldContexts || until_ns <= now_ns) return 0;
  const nc_context held = table_.insert(entry);
  if (held == 0) return 0;
  ++held_;
  log_info("audit", "context held",
           {{"plugin", plugin_},
            {"principal", entry->context->identity.principal},
            {"request", entry->context->request_id},
            {"seconds", (entry->until_ns - now_ns) / 1'000'000'000}});
  return held;
}

void Contexts::drop(nc_context id) {
  std::lock_guard lock(hold_mutex_);
  const auto dropped = table_.find(id);
  if (!dropped || !dropped->held || !table_.take(id)) return;
  --held_;
}

size_t Contexts::revoke(std::string_view principal) {
  std::lock_guard lock(hold_mutex_);
  const size_t revoked = table_
                             .take_if([&](const EntryPtr& entry) {
                               return entry->held && entry->context->identity.principal == principal;
                             })
                             .size();
  held_ -= revoked;
  if (revoked > 0) log_info("audit", "contexts revoked", {{"plugin", plugin_}, {"principal", principal}});
  return revoked;
}

auth::ContextPtr Contexts::find(nc_context id) const {
  if (id == 0) return own_;
  const EntryPtr entry = live(id);
  return entry ? entry->context : nullptr;
}

Result<auth::ContextPtr> Contexts::onward(nc_context id) const {
  if (id == 0) return own_;
  const EntryPtr entry = live(id);
  if (!entry) return Error{Code::kUnauthenticated, "the context is over", "auth.stale-context"};
  std::lock_guard lock(entry->mutex);
  if (entry->onward) return entry->onward;
  if (entry->context->chain.size() >= kMaxChain) {
    return Error{Code::kResourceExhausted, "the call came through 32 plugins already", "host.chain-too-long"};
  }
  auto longer = std::make_shared<auth::Context>(*entry->context);
  longer->chain.push_back(grant_);
  entry->onward = std::move(longer);
  return entry->onward;
}

}  // namespace novacron::host::plugin
