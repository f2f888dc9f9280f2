#include "plans.h"

#include "machine_reconciler.h"

namespace novacron::compute::controller {
namespace {

using core::v1::PlannedEffect;
using Effects = std::vector<PlannedEffect>;

constexpr uint64_t kMebibyte = 1'048'576;

v1::PowerState power_of(const Machine& machine) {
  return machine.spec.power.value_or(v1::PowerState::kRunning);
}

std::string driver_on(const Machine& machine, const std::string& node) {
  return "driver " + machine.spec.driver + " on " + node;
}

std::string contents_of(const v1::Disk& disk) {
  std::string text = disk.size_bytes ? std::to_string(*disk.size_bytes / kMebibyte) + " MiB" : "as large as its image";
  return disk.image.empty() ? text : text + ", over the image " + disk.image;
}

void add_disks(const Machine& machine, const std::string& node, bool made, Effects& effects) {
  for (const v1::Disk& disk : machine.spec.disks) {
    effects.push_back({.subject = "disk " + disk.name + " on " + node,
                       .action = made ? "create" : "delete",
                       .text = made ? contents_of(disk) : "with all that is on it"});
  }
}

/// The node that the machine would be given; none: it would wait, and the effects say why.
std::optional<std::string> place(World& world, Inventory& inventory, const Machine& machine, Effects& effects) {
  auto request = request_to_place(machine);
  request.candidates = inventory.candidates(machine.spec.driver, machine.metadata.uid);
  const auto reply = world.schedule(request);
  if (!reply.ok() || reply->ranked.empty()) {
    const std::string why = reply.ok() ? why_nowhere(*reply) : reply.error().message;
    effects.push_back({.subject = "scheduler", .action = "wait", .text = why});
    return std::nullopt;
  }
  const std::string node = reply->ranked.front().node;
  effects.push_back(
      {.subject = "node " + node,
       .action = "place",
       .text = "the best of " + std::to_string(reply->ranked.size()) + " that have room, as things are now"});
  return node;
}

std::string_view call_for(v1::PowerState from, v1::PowerState to) {
  if (to == v1::PowerState::kStopped) return "Stop";
  if (to == v1::PowerState::kPaused) return "Pause";
  return from == v1::PowerState::kPaused ? "Resume" : "Start";
}

void add_deletion(const Machine& machine, Effects& effects) {
  if (machine.status.node.empty()) return;
  effects.push_back(
      {.subject = driver_on(machine, machine.status.node), .action = "call", .text = "Delete: ends the guest"});
  add_disks(machine, machine.status.node, false, effects);
}

void add_first_start(World& world, Inventory& inventory, const Machine& machine, Effects& effects) {
  if (power_of(machine) == v1::PowerState::kStopped) {
    effects.push_back({.subject = "node", .action = "wait", .text = "it is placed when it is started first"});
    return;
  }
  const auto node = place(world, inventory, machine, effects);
  if (!node) return;
  effects.push_back(
      {.subject = driver_on(machine, *node), .action = "call", .text = "Start: makes its disks and runs the guest"});
  add_disks(machine, *node, true, effects);
}

}  // namespace

Effects plan_effects(World& world, Inventory& inventory, const std::optional<Machine>& before,
                     const std::optional<Machine>& after) {
  Effects effects;
  if (!after || after->metadata.deleted_at) {
    add_deletion(after ? *after : *before, effects);
  } else if (after->status.node.empty()) {
    add_first_start(world, inventory, *after, effects);
  } else if (before && power_of(*before) != power_of(*after)) {
    effects.push_back({.subject = driver_on(*after, after->status.node),
                       .action = "call",
                       .text = std::string(call_for(power_of(*before), power_of(*after)))});
  }
  return effects;
}

}  // namespace novacron::compute::controller
