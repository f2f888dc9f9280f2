#include "host/daemon/plugin_status.h"

#include <cctype>

#include "host/contract/json.h"
#include "host/contract/validate.h"
#include "novacron/core/v1/host.pb.h"

namespace novacron::host::daemon {
namespace {

namespace api = novacron::core::v1;

constexpr uint64_t kNsPerSecond = 1'000'000'000;

std::vector<std::string> list_of(const google::protobuf::RepeatedPtrField<std::string>& values) {
  return {values.begin(), values.end()};
}

void set_list(google::protobuf::RepeatedPtrField<std::string>& out, const std::vector<std::string>& values) {
  out.Assign(values.begin(), values.end());
}

void describe(const plugin::Permissions& permissions, api::Permissions& out) {
  set_list(*out.mutable_call(), permissions.grant.call);
  set_list(*out.mutable_state(), permissions.grant.state);
  set_list(*out.mutable_publish(), permissions.grant.publish);
  set_list(*out.mutable_subscribe(), permissions.grant.subscribe);
  for (const auto& rule : permissions.grant.resources) {
    auto* resource = out.add_resources();
    resource->set_kind(rule.kind);
    set_list(*resource->mutable_verbs(), rule.verbs);
  }
  out.set_blobs(permissions.grant.blobs);
  out.set_network(permissions.kernel.network);
  set_list(*out.mutable_paths(), permissions.kernel.paths);
  set_list(*out.mutable_devices(), permissions.kernel.devices);
  out.set_memory_bytes(permissions.kernel.memory_bytes);
  out.set_threads(permissions.kernel.threads);
  out.set_cpu_percent(permissions.kernel.cpu_percent);
}

plugin::Placement placement_of(api::PluginSpec::Placement placement) {
  return placement == api::PluginSpec::PLACEMENT_SANDBOXED ? plugin::Placement::kSandboxed : plugin::Placement::kInline;
}

api::PluginSpec::Placement placement_of(plugin::Placement placement) {
  return placement == plugin::Placement::kSandboxed ? api::PluginSpec::PLACEMENT_SANDBOXED
                                                    : api::PluginSpec::PLACEMENT_INLINE;
}

void set_time(uint64_t real_ns, google::protobuf::Timestamp& out) {
  out.set_seconds(static_cast<int64_t>(real_ns / kNsPerSecond));
  out.set_nanos(static_cast<int32_t>(real_ns % kNsPerSecond));
}

uint64_t time_of(const google::protobuf::Timestamp& time) {
  return static_cast<uint64_t>(time.seconds()) * kNsPerSecond + static_cast<uint64_t>(time.nanos());
}

}  // namespace

plugin::Permissions permissions_of(const std::string& plugin, const api::Permissions& permissions) {
  plugin::Permissions made;
  made.grant = *grant_of(plugin, permissions);
  if (!permissions.network().empty()) made.kernel.network = permissions.network();
  made.kernel.paths = list_of(permissions.paths());
  made.kernel.devices = list_of(permissions.devices());
  made.kernel.memory_bytes = permissions.memory_bytes();
  made.kernel.threads = permissions.threads();
  made.kernel.cpu_percent = permissions.cpu_percent();
  return made;
}

std::shared_ptr<const auth::Grant> grant_of(const std::string& plugin, const api::Permissions& permissions) {
  auto grant = std::make_shared<auth::Grant>();
  grant->plugin = plugin;
  grant->call = list_of(permissions.call());
  grant->state = list_of(permissions.state());
  grant->publish = list_of(permissions.publish());
  grant->subscribe = list_of(permissions.subscribe());
  for (const auto& rule : permissions.resources()) grant->resources.push_back({rule.kind(), list_of(rule.verbs())});
  grant->blobs = permissions.blobs();
  return grant;
}

void describe(const plugin::PluginInfo& info, api::PluginStatus& status) {
  status.set_state(static_cast<api::PluginStatus::State>(info.state));
  status.set_reason(info.reason);
  status.set_message(info.message);
  status.set_version(info.manifest.version.to_string());
  status.set_digest(info.digest);
  status.set_vendor(info.manifest.vendor);
  status.set_summary(info.manifest.summary);
  status.clear_provides();
  for (const auto& provided : info.manifest.provides) {
    status.add_provides(provided.contract + "@" + provided.version.to_string());
  }
  status.clear_requirements();
  for (const auto& required : info.manifest.required) {
    status.add_requirements(required.contract + "@" + required.range.to_string());
  }
  set_list(*status.mutable_services(), info.manifest.services);
  status.clear_requested();
  describe(info.manifest.permissions, *status.mutable_requested());
  status.clear_granted();
  describe(info.granted, *status.mutable_granted());
  status.set_placement(placement_of(info.placement));
  status.set_layers(info.process.layers);
  describe_troubles(info, status);
  set_time(info.changed_at_ns, *status.mutable_changed_at());
  if (info.upgrade.phase != plugin::Upgrade::Phase::kNone) describe(info.upgrade, *status.mutable_upgrade());
}

void describe(const plugin::Upgrade& upgrade, api::PluginUpgrade& out) {
  out.Clear();
  out.set_phase(static_cast<api::PluginUpgrade::Phase>(upgrade.phase));
  out.set_from_version(upgrade.from.version);
  out.set_to_version(upgrade.to.version);
  out.set_from_placement(placement_of(upgrade.from.placement));
  out.set_to_placement(placement_of(upgrade.to.placement));
  out.set_from_digest(upgrade.from.digest);
  out.set_to_digest(upgrade.to.digest);
  out.set_reason(upgrade.reason);
  out.set_message(upgrade.message);
  out.set_carried_state(upgrade.carried_state);
  out.set_pause_ns(upgrade.pause_ns);
  if (upgrade.begun_at_ns != 0) set_time(upgrade.begun_at_ns, *out.mutable_begun_at());
  if (upgrade.probation_until_ns != 0) set_time(upgrade.probation_until_ns, *out.mutable_probation_until());
  if (upgrade.ended_at_ns != 0) set_time(upgrade.ended_at_ns, *out.mutable_ended_at());
}

plugin::Upgrade upgrade_of(const api::PluginUpgrade& upgrade) {
  plugin::Upgrade made;
  made.phase = static_cast<plugin::Upgrade::Phase>(upgrade.phase());
  made.from = {upgrade.from_version(), placement_of(upgrade.from_placement()), upgrade.from_digest()};
  made.to = {upgrade.to_version(), placement_of(upgrade.to_placement()), upgrade.to_digest()};
  made.reason = upgrade.reason();
  made.message = upgrade.message();
  made.carried_state = upgrade.carried_state();
  made.pause_ns = upgrade.pause_ns();
  made.begun_at_ns = time_of(upgrade.begun_at());
  made.probation_until_ns = time_of(upgrade.probation_until());
  made.ended_at_ns = time_of(upgrade.ended_at());
  return made;
}

void describe_troubles(const plugin::PluginInfo& info, api::PluginStatus& status) {
  status.clear_faults();
  for (const auto& fault : info.faults) {
    auto* out = status.add_faults();
    out->set_reason(fault.reason);
    out->set_message(fault.message);
    out->set_count(fault.count);
  }
  status.clear_breakers();
  for (const auto& breaker : info.breakers) {
    auto* out = status.add_breakers();
    out->set_service(breaker.service);
    out->set_half_open(breaker.half_open);
    out->set_failures(breaker.failures);
  }
}

void describe(const Error& failure, api::PluginStatus& status) {
  const auto state = status.state();
  if (state == api::PluginStatus::STATE_QUARANTINED || state == api::PluginStatus::STATE_ABANDONED) return;
  status.set_state(api::PluginStatus::STATE_FAILED);
  status.set_reason(failure.reason);
  status.set_message(failure.message);
}

std::string subject_token(int state) {
  std::string name = api::PluginStatus::State_Name(static_cast<api::PluginStatus::State>(state));
  name = name.substr(std::string_view("STATE_").size());
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

Result<std::string> encode_config(const contract::MessageType& type, const std::string& json) {
  const std::string given = TRY(contract::json_to_message(type, json, "config"));
  const std::string whole = TRY(contract::apply_defaults(type, given));
  TRY_STATUS(contract::validate(type, whole, nullptr, "config"));
  return whole;
}

}  // namespace novacron::host::daemon
