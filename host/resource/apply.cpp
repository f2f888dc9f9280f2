#include <host/resource/record.pb.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/contract/validate.h"
#include "host/contract/violations.h"
#include "host/resource/body.h"
#include "host/resource/ownership.h"
#include "host/resource/selector.h"
#include "host/resource/store_impl.h"

namespace novacron::host::resource {

namespace {
using contract::Leaves;
using contract::Paths;
using nlohmann::json;

/// The part of an object that managers decide, as JSON with its secrets.
Result<json> decided_part(const contract::Kind& kind, const contract::Parts& parts) {
  const std::string text =
      TRY(contract::parts_to_json(kind, {parts.metadata, parts.spec, ""}, {contract::Secrets::kReveal}));
  const json object = json::parse(text);
  json part = json::object();
  for (const char* name : {"labels", "annotations", "owners"}) {
    const auto& metadata = object.value("metadata", json::object());
    if (metadata.contains(name)) part["metadata"][name] = metadata[name];
  }
  if (object.contains("spec")) part["spec"] = object["spec"];
  return part;
}

contract::Parts stored_parts(const StoredSpec& record) {
  return {message_bytes(record.metadata()), record.spec(), ""};
}

Result<Leaves> leaves_of(const contract::Kind& kind, const StoredSpec& record) {
  return contract::leaves_of(*kind.message, TRY(decided_part(kind, stored_parts(record))));
}

Paths difference(const Paths& all, const Paths& without) {
  Paths rest;
  std::set_difference(all.begin(), all.end(), without.begin(), without.end(), std::inserter(rest, rest.end()));
  return rest;
}

Paths both(Paths a, const Paths& b) {
  a.insert(b.begin(), b.end());
  return a;
}

Status check_manager(const std::string& manager) {
  if (is_label_key(manager) && manager != kNobody) return {};
  return Error{
      Code::kInvalidArgument,
      "field_manager: must name who applies, such as \"deploy\" or \"shop.example/deploy\", and not \"nobody\"",
      "apply.manager"};
}

/// Owners go by the names of the newest version: what has none there has no owner.
Status check_known(const contract::Kind& newest, const std::string& spec) {
  if (!TRY(contract::has_unknown_fields(*newest.spec, spec))) return {};
  return Error{Code::kInvalidArgument,
               "it applies a field that " + newest.version + " of " + newest.id + " leaves out; set it by PATCH",
               "apply.version"};
}
}  // namespace

Status Store::Impl::attribute_change(const auth::Context& context, const Target& target, const StoredObject& current,
                                     Draft& draft) const {
  auto ownership = Ownership::of(current.metadata());
  if (ownership.empty() || !draft.record) return {};
  const Leaves before = TRY(leaves_of(*target.kind, *current.record));
  const Leaves after = TRY(leaves_of(*target.kind, *draft.record));
  const Paths changed = changed_paths(before, after);
  if (changed.empty()) return {};
  const Paths present = contract::paths_of(after);
  ownership.change(context.identity.principal, changed, present);
  ownership.retain(present);
  ownership.write_to(*draft.record->mutable_metadata(), options.clock.real_ns());
  return {};
}

Result<Draft> Store::Impl::draft_application(const Target& target, const Application& application,
                                             const StoredObject* current, Effect effect) {
  const json wanted = TRY(decided_part(*target.kind, application.given));
  const Paths applied = contract::paths_of(contract::leaves_of(*target.kind->message, wanted));
  if (!current) {
    Draft draft = TRY(draft_creation(target, application.given, writer.uuid(), effect));
    Ownership ownership;
    ownership.apply(application.manager, applied, {});
    ownership.write_to(*draft.record->mutable_metadata(), options.clock.real_ns());
    return draft;
  }
  auto ownership = Ownership::of(current->metadata());
  const Leaves before = TRY(leaves_of(*target.kind, *current->record));
  if (ownership.empty()) ownership.adopt(contract::paths_of(before), applied);
  json document = TRY(decided_part(*target.kind, stored_parts(*current->record)));
  const Paths kept = both(ownership.of_others(application.manager), applied);
  const Paths dropped = difference(ownership.of_manager(application.manager), kept);
  contract::prune_fields(*target.kind->message, dropped, kept, document);
  contract::merge_fields(*target.kind->message, wanted, document);
  document["metadata"]["uid"] = TRY(metadata_of(application.given.metadata)).uid();
  const auto parts = TRY(contract::parts_from_json(*target.kind, document.dump()));
  Draft draft = TRY(draft_replacement(target, parts, *current, false, effect));
  if (!draft.record) return draft;
  const Leaves after = TRY(leaves_of(*target.kind, *draft.record));
  const Paths changed = changed_paths(before, after);
  if (application.conflicts == Conflicts::kRefuse) TRY_STATUS(ownership.check_conflicts(application.manager, changed));
  ownership.apply(application.manager, applied, changed);
  ownership.retain(contract::paths_of(after));
  TRY_STATUS(ownership.check_size());
  ownership.write_to(*draft.record->mutable_metadata(), options.clock.real_ns());
  return draft;
}

Result<WriteResult> Store::apply(const auth::ContextPtr& context, const ObjectRef& given_ref,
                                 const std::string& manager, const std::string& text, Conflicts conflicts,
                                 const WriteOptions& options) {
  TRY_STATUS(check_manager(manager));
  const auto schema = this->schema();
  const auto* kind = TRY(impl_->kind_of(*schema, given_ref.kind));
  const auto* spoken = TRY(impl_->version_of(*kind, options.version));
  auto given = TRY(contract::parts_from_json(*spoken, text));
  TRY_STATUS(check_known(*kind, given.spec));
  const Impl::Application application{manager, std::move(given), conflicts};
  const auto metadata = TRY(metadata_of(application.given.metadata));
  ObjectRef ref = given_ref;
  TRY_STATUS(agree(metadata, ref));
  const auto target = TRY(impl_->named(ref));
  TRY_STATUS(check_host_only(*context, ref));
  return impl_->write({context, ref, "apply", options, [&](const StoredObject* current) -> Result<Draft> {
                         TRY_STATUS(impl_->authorize(context, current ? "update" : "create", ref));
                         if (!current && !options.if_match.empty()) return conflict("there is no " + describe(ref));
                         return impl_->draft_application(target, application, current, options.effect);
                       }});
}

}  // namespace novacron::host::resource
