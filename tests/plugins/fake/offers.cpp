#include "offers.h"

#include <utility>

namespace novacron::fake {
namespace {

namespace api = compute::v1;
constexpr uint32_t kWorkers = 8;

Resource<api::ComputeNode> offer_of(const Resource<core::v1::Node>& node, const std::string& name) {
  Resource<api::ComputeNode> offer;
  offer.metadata.name = name;
  offer.metadata.owners.push_back(
      {.kind = std::string(core::v1::Node::kKind), .name = node.metadata.name, .uid = node.metadata.uid});
  offer.spec.node = node.metadata.name;
  offer.spec.driver = kDriver;
  return offer;
}

}  // namespace

Offers::Offers(Host& host, api::ComputeNodeStatus offer, const std::string& label_selector)
    : offer_(std::move(offer)),
      nodes_(host, {.label_selector = label_selector}),
      offers_(host),
      queue_(host, [this](const ResourceKey& key) { return reconcile(key); }, {.workers = kWorkers}) {
  queue_.follow(nodes_);
}

void Offers::start() {
  queue_.start();
  nodes_.start();
}

Result<Again> Offers::reconcile(const ResourceKey& key) {
  const auto node = nodes_.get(key);
  if (node == nullptr) return Again{};  // the host collects what a Node owned
  const std::string name = key.name + '-' + std::string(kDriver);
  auto offer = offers_.get({.name = name});
  if (offer.code() == Code::kNotFound) offer = offers_.create(offer_of(*node, name));
  if (!offer.ok()) return std::move(offer).error();
  api::ComputeNodeStatus wanted = offer_;
  wanted.observed_generation = offer->metadata.generation;
  if (offer->status == wanted) return Again{};
  offer->status = std::move(wanted);
  auto written = offers_.update_status(*offer);
  if (!written.ok()) return std::move(written).error();
  return Again{};
}

}  // namespace novacron::fake
