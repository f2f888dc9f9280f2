#include "host/resource/effects.h"

#include <host/resource/record.pb.h>
#include <novacron/core/v1/host.pb.h>
#include <novacron/core/v1/planner.pb.h>
#include <novacron/core/v1/state.pb.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "host/auth/roles.h"
#include "host/contract/parts.h"
#include "host/contract/validate.h"
#include "host/plugin/core_services.h"
#include "host/resource/keys.h"

namespace novacron::host::resource {

namespace {
using nlohmann::json;

constexpr size_t kMaxDepth = 8;        // of what goes because something else goes
constexpr uint32_t kMaxOfOne = 100;    // dependents of one object that are looked at
constexpr size_t kMaxShownPaths = 16;  // of a change
constexpr size_t kMaxSubjectBytes = 256;
constexpr size_t kMaxActionBytes = 64;
constexpr size_t kMaxTextBytes = 1'024;

json document_of(const contract::Kind& kind, const StoredObject& object) {
  const auto text = contract::parts_to_json(kind, {message_bytes(object.metadata()), object.record->spec(), ""});
  json document = text.ok() ? json::parse(*text, nullptr, false) : json::object();
  if (document.contains("metadata")) {
    for (const char* own : {"generation", "managed_fields", "revision"}) document["metadata"].erase(own);
  }
  return document;
}

/// The paths at which two documents differ, down to lists and values.
void compare(const json& before, const json& after, const std::string& path, std::vector<std::string>& out) {
  if (before == after) return;
  if (!before.is_object() || !after.is_object()) return out.push_back(path);
  std::set<std::string> names;
  for (const auto* side : {&before, &after}) {
    for (const auto& [name, value] : side->items()) names.insert(name);
  }
  const json none;
  for (const auto& name : names) {
    compare(before.contains(name) ? before[name] : none, after.contains(name) ? after[name] : none,
            path.empty() ? name : path + "." + name, out);
  }
}

std::string changes_text(const json& before, const json& after) {
  std::vector<std::string> paths;
  compare(before, after, "", paths);
  if (paths.empty()) return "nothing changes";
  std::string text = "changes ";
  for (size_t i = 0; i < paths.size() && i < kMaxShownPaths; ++i) text += (i == 0 ? "" : ", ") + paths[i];
  return paths.size() > kMaxShownPaths ? text + " and more" : text;
}

std::string subject_of(const ObjectRef& ref) {
  return ref.kind + "/" + ref.name;
}

ObjectRef ref_of(const StoredReference& reference) {
  return {reference.kind(), reference.tenant(), reference.name(), reference.uid()};
}

std::set<std::string> targets_of(const StoredObject* object) {
  std::set<std::string> uids;
  if (object == nullptr) return uids;
  for (const auto& reference : object->record->references()) uids.insert(reference.uid());
  return uids;
}

/// For a plugin: without status, and without secrets.
Result<core::v1::Object> object_of(const contract::Kind& kind, const StoredObject& stored) {
  core::v1::Object object;
  object.set_kind(kind.id);
  *object.mutable_metadata() = stored.metadata();
  object.set_spec(TRY(contract::mask_secrets(*kind.spec, stored.record->spec())));
  if (kind.status != nullptr) object.set_status(TRY(contract::mask_secrets(*kind.status, stored.status)));
  return object;
}
}  // namespace

void EffectPlanner::add(std::string subject, std::string action, std::string text, std::string by) {
  if (effects_.size() < kMaxEffects)
    effects_.push_back({std::move(subject), std::move(action), std::move(text), std::move(by)});
  else
    more_ = true;
}

Result<std::vector<PlannedEffect>> EffectPlanner::plan(const PlannedWrite& write) {
  const StoredObject& object = write.after ? *write.after : *write.before;
  const bool deletes = !write.after || (object.metadata().has_deleted_at() && write.verb == "delete");
  add_object(write);
  add_references(write);
  if (deletes) TRY_STATUS(add_deletion(object));
  if (write.before) TRY_STATUS(add_claim(object.ref.uid));
  for (const auto& plugin : watchers_.plugins_of(write.kind.id))
    add("plugin " + plugin, "notify", "it watches this kind and acts on the change");
  TRY_STATUS(ask_planners(write));
  if (more_) effects_.push_back({"", "more", "there are more effects than a plan lists", ""});
  return std::move(effects_);
}

void EffectPlanner::add_object(const PlannedWrite& write) {
  const StoredObject& object = write.after ? *write.after : *write.before;
  const std::string subject = subject_of(object.ref);
  if (!write.before) return add(subject, "create", "a new object");
  if (!write.after) return add(subject, "delete", "at once: it has no finalizers");
  if (write.verb == "delete") return add(subject, "mark-deleted", "it goes when its finalizers are gone");
  add(subject, "update", changes_text(document_of(write.kind, *write.before), document_of(write.kind, *write.after)));
}

void EffectPlanner::add_references(const PlannedWrite& write) {
  const auto before = targets_of(write.before);
  const auto after = targets_of(write.after);
  if (write.after) {
    for (const auto& reference : write.after->record->references()) {
      if (!before.contains(reference.uid())) add(subject_of(ref_of(reference)), "use", "the object refers to it");
    }
  }
  if (!write.before) return;
  for (const auto& reference : write.before->record->references()) {
    if (!after.contains(reference.uid())) add(subject_of(ref_of(reference)), "release", "no longer referred to");
  }
}

Status EffectPlanner::add_deletion(const StoredObject& object) {
  for (const auto& finalizer : object.metadata().finalizers())
    add(subject_of(object.ref), "wait", "until the finalizer " + finalizer + " has been removed");
  return add_dependents(object.ref.uid, 1);
}

Status EffectPlanner::add_dependents(const std::string& uid, size_t depth) {
  if (depth > kMaxDepth) {
    more_ = true;
    return {};
  }
  for (const auto& owned : TRY(objects_.names(owned_prefix(uid), kMaxOfOne)))
    TRY_STATUS(add_dependent(owned, true, "its owner goes", depth));
  for (const auto& referrer : TRY(objects_.names(refs_prefix(uid), kMaxOfOne))) {
    const auto entry = TRY(objects_.sync().get(refs_key(uid, referrer)));
    StoredReferrer record;
    if (!entry || !record.ParseFromString(entry->value)) continue;
    const bool cascades = record.on_delete() == static_cast<uint32_t>(contract::OnDelete::kCascade);
    TRY_STATUS(add_dependent(referrer, cascades,
                             cascades ? "what it refers to goes" : "what it refers to goes; it stays", depth));
  }
  return {};
}

Status EffectPlanner::add_dependent(const std::string& uid, bool goes, const char* why, size_t depth) {
  const auto ref = objects_.find_uid(uid);
  if (!ref.ok()) return {};
  const std::string subject = subject_of(*ref);
  const bool known = std::any_of(effects_.begin(), effects_.end(), [&](const PlannedEffect& effect) {
    return effect.subject == subject && (effect.action == "delete" || effect.action == "orphan");
  });
  if (known) return {};
  add(subject, goes ? "delete" : "orphan", why);
  return goes ? add_dependents(uid, depth + 1) : Status();
}

Status EffectPlanner::add_claim(const std::string& uid) {
  const auto entry = TRY(objects_.sync().get(claim_key(uid)));
  core::v1::Claim claim;
  if (entry && claim.ParseFromString(entry->value))
    add("claim " + uid, "held", "node " + claim.node() + " acts for the object, and alone may", "");
  return {};
}

Result<std::vector<std::string>> EffectPlanner::planners() {
  std::vector<std::string> found;
  for (const auto& object : TRY(objects_.all(kind_prefix(kPluginKind)))) {
    core::v1::PluginStatus status;
    if (!status.ParseFromString(object.status) || status.state() != core::v1::PluginStatus::STATE_ENABLED) continue;
    const auto& services = status.services();
    const bool plans = std::any_of(services.begin(), services.end(),
                                   [](const std::string& service) { return service == plugin::kPlannerService; });
    if (plans && found.size() < kMaxPlanners) found.push_back(object.ref.name);
  }
  return found;
}

Status EffectPlanner::ask_planners(const PlannedWrite& write) {
  if (caller_ == nullptr) return {};
  core::v1::PlanRequest request;
  request.set_verb(std::string(write.verb));
  if (write.before) *request.mutable_before() = TRY(object_of(write.kind, *write.before));
  if (write.after) *request.mutable_after() = TRY(object_of(write.kind, *write.after));
  request.set_principal(write.context.identity.principal);
  const uint64_t until_ns = clock_.monotonic_ns() + kPlannersTimeoutNs;
  for (const auto& plugin : TRY(planners())) TRY_STATUS(ask(plugin, message_bytes(request), until_ns));
  return {};
}

/// A plugin that does not answer makes the plan incomplete, not wrong: the plan says so.
Status EffectPlanner::ask(const std::string& plugin, const std::string& request, uint64_t until_ns) {
  plugin::CallOptions options;
  options.context = auth::host_context("");
  const uint64_t now_ns = clock_.monotonic_ns();
  options.timeout_ns = until_ns > now_ns ? std::min(kPlannerTimeoutNs, until_ns - now_ns) : 1;
  const auto answer = caller_->call(plugin::kPlannerService, "Plan", {plugin, ""}, {request, {}}, options);
  core::v1::PlanReply reply;
  if (!answer.ok() || !reply.ParseFromString(answer->body)) {
    add("plugin " + plugin, "unknown",
        "it does not say what it would do: " + (answer.ok() ? "its answer cannot be read" : answer.error().message));
    return {};
  }
  for (int i = 0; i < reply.effects_size() && static_cast<size_t>(i) < kMaxEffectsOfPlugin; ++i) {
    const auto& effect = reply.effects(i);
    add(effect.subject().substr(0, kMaxSubjectBytes), effect.action().substr(0, kMaxActionBytes),
        effect.text().substr(0, kMaxTextBytes), plugin);
  }
  more_ |= static_cast<size_t>(reply.effects_size()) > kMaxEffectsOfPlugin;
  return {};
}

}  // namespace novacron::host::resource
