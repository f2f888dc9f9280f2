#include <google/protobuf/descriptor.h>
#include <novacron/options.pb.h>

#include <algorithm>
#include <set>

#include "host/contract/condition.h"
#include "host/contract/describe.h"
#include "host/contract/versions.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

/// "shop.v1": "shop".
std::string group_of(const std::string& package) {
  const size_t dot = package.rfind('.');
  return dot == std::string::npos ? package : package.substr(0, dot);
}

constexpr size_t kMaxColumnDepth = 8;

void collect_columns(const MessageType& type, const std::string& path, size_t depth, std::vector<Column>& columns) {
  if (depth > kMaxColumnDepth) return;
  for (const auto& field : type.fields) {
    const std::string field_path = join_path(path, field.name);
    if (!field.cli.column.empty()) columns.push_back({field.cli.column, field_path, field.cli.wide, &field});
    if (field.type == FieldType::kMessage && field.cardinality == Cardinality::kSingle) {
      collect_columns(*field.message, field_path, depth + 1, columns);
    }
  }
}

const MessageType* part(const MessageType& kind, std::string_view name) {
  const Field* field = kind.find(name);
  return field && field->type == FieldType::kMessage ? field->message : nullptr;
}
}  // namespace

std::shared_ptr<const Condition> Description::condition(const Kind& kind, const std::string& text,
                                                        const std::string& option) {
  if (text.empty()) return nullptr;
  auto compiled = Condition::compile(*kind.message, text);
  if (compiled.ok()) return std::move(compiled).value();
  violations_.add(kind.message->full_name, option + ": " + compiled.error().message);
  return nullptr;
}

void Description::add_verbs(const pb::Descriptor& descriptor, Kind& kind) {
  for (const auto& verb : descriptor.options().GetExtension(::novacron::kind).verbs()) {
    kind.verbs.push_back({verb.name(), verb.patch(), verb.summary(),
                          condition(kind, verb.ready_when(), "ready_when of the verb " + verb.name())});
  }
}

void Description::add_kind(const pb::Descriptor& descriptor) {
  const auto& options = descriptor.options().GetExtension(::novacron::kind);
  Kind kind;
  kind.package = descriptor.file()->package();
  kind.group = group_of(kind.package);
  kind.version = kind.package.substr(std::min(kind.package.size(), kind.group.size() + 1));
  kind.converts_from = options.converts_from();
  kind.name = descriptor.name();
  kind.id = kind.group + "/" + kind.name;
  kind.plural = options.plural();
  kind.short_names.assign(options.short_().begin(), options.short_().end());
  kind.summary = options.summary();
  kind.scope = options.scope() == SCOPE_HOST ? Scope::kHost : Scope::kTenant;
  kind.confirm_delete = options.confirm_delete();
  if (options.has_deprecated()) kind.deprecated = deprecation(options.deprecated(), descriptor.full_name());
  kind.message = message(descriptor);
  kind.spec = part(*kind.message, "spec");
  kind.status = part(*kind.message, "status");
  const Field* observed = kind.status ? kind.status->find("observed_generation") : nullptr;
  kind.has_observed_generation = observed && observed->type == FieldType::kUint64;
  kind.ready_when = condition(kind, options.ready_when(), "ready_when");
  kind.failed_when = condition(kind, options.failed_when(), "failed_when");
  add_verbs(descriptor, kind);
  if (kind.spec) collect_columns(*kind.spec, "spec", 0, kind.columns);
  if (kind.status) collect_columns(*kind.status, "status", 0, kind.columns);
  kinds.push_back(std::move(kind));
}

void Description::finish() {
  for (auto& pending : actions_) {
    const auto owner = std::find_if(kinds.begin(), kinds.end(), [&pending](const Kind& kind) {
      return kind.package + "." + kind.name == pending.kind_id;
    });
    if (owner == kinds.end()) {
      violations_.add(pending.path, "(novacron.action): " + pending.kind_id + " is no kind of this package");
    } else {
      owner->actions.push_back(std::move(pending.action));
    }
  }
  actions_.clear();
  mark_secrets();
  join_versions();
  share_out_names();
}

/// Of several versions of a kind the newest is the kind; it keeps the place of whichever was installed first.
void Description::join_versions() {
  std::map<std::string, std::vector<Kind>> versions;
  std::vector<std::string> order;
  for (auto& kind : kinds) {
    auto& all = versions[kind.id];
    if (all.empty()) order.push_back(kind.id);
    all.push_back(std::move(kind));
  }
  kinds.clear();
  for (const auto& id : order) kinds.push_back(newest_of(std::move(versions[id]), violations_));
}

/// Whoever came first keeps a name.
void Description::share_out_names() {
  std::set<std::string> taken;
  for (auto& kind : kinds) {
    kind.segment = taken.insert(kind.plural).second ? kind.plural : kind.plural + "." + kind.group;
    std::vector<std::string> kept;
    for (auto& name : kind.short_names) {
      if (name == kind.plural || taken.insert(name).second) kept.push_back(name);
    }
    kind.short_names = std::move(kept);
  }
}

}  // namespace novacron::host::contract
