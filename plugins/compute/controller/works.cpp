#include "works.h"

namespace novacron::compute::controller {
namespace {

constexpr std::string_view kGuestEvents = "guest.*";
constexpr uint64_t kSubscribeAgainNs = 1'000'000'000;

}  // namespace

Works::Works(Host& host, uint32_t workers, FailPoint fail_point)
    : host_(host),
      machines_(host),
      nodes_(host),
      offers_(host),
      world_(host, machines_.client(), std::move(fail_point)),
      machine_reconciler_(world_, inventory_),
      queue_(host, [this](const ResourceKey& key) { return reconcile(key); }, {.workers = workers}) {
  machines_.on_change([this](const ResourceKey& key) { machine_changed(key); });
  nodes_.on_change([this](const ResourceKey& key) { node_changed(key); });
  offers_.on_change([this](const ResourceKey& key) { offer_changed(key); });
  queue_.follow(machines_);
}

void Works::start() {
  subscribe();
  queue_.start();
  nodes_.start();
  offers_.start();
  machines_.start();
}

Result<Again> Works::reconcile(const ResourceKey& key) {
  const auto machine = machines_.get(key);
  if (machine == nullptr) return Again{};
  // The room on nodes is known only when all of them have been read.
  if (!nodes_.is_synced() || !offers_.is_synced()) return Again{.after_ns = kSubscribeAgainNs / 10};
  const auto next = NC_TRY(machine_reconciler_.reconcile(*machine));
  return Again{.after_ns = next.value_or(0)};
}

void Works::machine_changed(const ResourceKey& key) {
  const auto machine = machines_.get(key);
  bool has_freed = false;
  {
    const std::lock_guard lock(mutex_);
    const auto old = uid_of_key_.find(key);
    if (old != uid_of_key_.end() && (machine == nullptr || machine->metadata.uid != old->second)) {
      inventory_.remove_machine(old->second);
      key_of_uid_.erase(old->second);
      uid_of_key_.erase(old);
      has_freed = true;
    }
    if (machine != nullptr) {
      key_of_uid_[machine->metadata.uid] = key;
      uid_of_key_[key] = machine->metadata.uid;
    }
    const bool has_no_node = machine != nullptr && machine->status.node.empty();
    has_no_node ? void(without_node_.insert(key)) : void(without_node_.erase(key));
  }
  if (machine != nullptr) inventory_.set_machine(*machine);
  if (has_freed) look_at_pending();
}

void Works::node_changed(const ResourceKey& key) {
  const auto node = nodes_.get(key);
  if (node == nullptr) {
    inventory_.remove_node(key.name);
  } else {
    core::v1::Node whole;
    whole.metadata = node->metadata;
    whole.spec = node->spec;
    whole.status = node->status;
    inventory_.set_node(whole);
  }
  look_at_pending();
}

void Works::offer_changed(const ResourceKey& key) {
  if (const auto offer = offers_.get(key)) {
    inventory_.set_offer(key.name, offer->spec, offer->status);
  } else {
    inventory_.remove_offer(key.name);
  }
  look_at_pending();
}

void Works::look_at_pending() {
  std::set<ResourceKey> pending;
  {
    const std::lock_guard lock(mutex_);
    pending = without_node_;
  }
  for (const ResourceKey& key : pending) queue_.add(key);
}

void Works::look_at_all() {
  for (const auto& machine : machines_.list()) queue_.add(key_of(machine->metadata));
}

void Works::subscribe() {
  guests_ = host_.subscribe(
      {.pattern = std::string(kGuestEvents), .overflow = Overflow::kDropOldest},
      [this](const Event& event) { guest_changed(event); },
      [this](Code) {
        host_.post(
            [this] {
              subscribe();
              look_at_all();
            },
            kSubscribeAgainNs);
      });
}

void Works::guest_changed(const Event& event) {
  if (event.missed > 0) look_at_all();
  const auto guest = decode<v1::GuestStatus>(event.body);
  if (!guest.ok())
    return host_.warn("event not understood", {{"subject", event.subject}, {"why", guest.error().message}});
  ResourceKey key;
  {
    const std::lock_guard lock(mutex_);
    const auto known = key_of_uid_.find(guest->uid);
    if (known != key_of_uid_.end()) key = known->second;
  }
  if (!key.name.empty()) {
    queue_.add(key);
  } else if (machines_.is_synced() && guest->state != v1::GuestStatus_State::kAbsent) {
    host_.warn("guest without a machine", {{"uid", guest->uid}});
    world_.publish_orphan(event);
  }
}

}  // namespace novacron::compute::controller
