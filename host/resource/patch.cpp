#include <host/resource/record.pb.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "host/contract/field_mask.h"
#include "host/contract/json_patch.h"
#include "host/contract/json_text.h"
#include "host/resource/body.h"
#include "host/resource/store_impl.h"

namespace novacron::host::resource {

namespace {
Error status_is_not_yours() {
  const std::string what = "is written by its controller";
  return {Code::kInvalidArgument, "status: " + what, "field.invalid", {{"status", what}}};
}

Status check_merge_patch(const auth::Context& context, const ObjectRef& ref, const nlohmann::json& patch) {
  if (patch.is_object() && patch.contains("status")) return status_is_not_yours();
  if (ref.kind != kOperationKind || is_host(context)) return {};
  const bool cancels = patch.size() == 1 && patch.contains("spec") && patch["spec"].is_object() &&
                       patch["spec"].size() == 1 && patch["spec"].contains("cancel");
  return cancels ? Status() : check_host_only(context, ref);
}
}  // namespace

Result<std::string> Store::Impl::document_of(const Target& target, const StoredObject& object,
                                             contract::Secrets secrets) const {
  const auto view = view_of(target.schema, object);
  return contract::parts_to_json(*target.spoken, {view.metadata, view.spec, view.status}, {secrets});
}

Result<Draft> Store::Impl::draft_document(const auth::ContextPtr& context, const Target& target,
                                          const std::string& document, const StoredObject& current,
                                          const WriteOptions& wanted) {
  const auto parts = TRY(contract::parts_from_json(*target.spoken, document));
  ObjectRef same = target.ref;
  const auto given = TRY(metadata_of(parts.metadata));
  TRY_STATUS(agree(given, same));
  const auto& finalizers = current.metadata().finalizers();
  if (!std::equal(given.finalizers().begin(), given.finalizers().end(), finalizers.begin(), finalizers.end())) {
    TRY_STATUS(authorize(context, "update_finalizers", target.ref));
  }
  Draft draft = TRY(draft_replacement(target, parts, current, true, wanted.effect));
  TRY_STATUS(attribute_change(*context, target, current, draft));
  return draft;
}

Result<Draft> Store::Impl::draft_masked(const auth::ContextPtr& context, const Target& target,
                                        const contract::Parts& given, const StoredObject& current,
                                        const WriteOptions& wanted) {
  using nlohmann::json;
  const auto mask = TRY(contract::FieldMask::parse(*target.spoken->message, wanted.update_mask));
  const json before = json::parse(TRY(document_of(target, current, contract::Secrets::kReveal)));
  const json values = json::parse(TRY(contract::parts_to_json(*target.spoken, given, {contract::Secrets::kReveal})));
  json document = before;
  TRY_STATUS(mask.copy(values, document));
  if (document.value("status", json::object()) != before.value("status", json::object())) return status_is_not_yours();
  return draft_document(context, target, document.dump(), current, wanted);
}

Result<WriteResult> Store::Impl::patch(const auth::ContextPtr& context, std::string_view verb, const ObjectRef& ref,
                                       std::string_view patch, const WriteOptions& wanted) {
  const auto target = TRY(this->target(context, verb, ref, wanted.version));
  const auto changes = TRY(contract::parse_json(patch));
  TRY_STATUS(check_merge_patch(*context, ref, changes));
  return write({context, ref, verb, wanted, [&](const StoredObject* current) -> Result<Draft> {
                  if (!current) return not_found(ref);
                  const std::string before = TRY(document_of(target, *current, contract::Secrets::kReveal));
                  const std::string merged = TRY(contract::merge_patch(before, patch));
                  return draft_document(context, target, merged, *current, wanted);
                }});
}

Result<WriteResult> Store::patch(const auth::ContextPtr& context, const ObjectRef& ref, std::string_view patch,
                                 const WriteOptions& options) {
  return impl_->patch(context, "update", ref, patch, options);
}

Result<WriteResult> Store::json_patch(const auth::ContextPtr& context, const ObjectRef& ref, std::string_view patch,
                                      const WriteOptions& options) {
  const auto target = TRY(impl_->target(context, "update", ref, options.version));
  TRY_STATUS(check_host_only(*context, ref));
  return impl_->write({context, ref, "update", options, [&](const StoredObject* current) -> Result<Draft> {
                         if (!current) return not_found(ref);
                         const auto revealed = TRY(impl_->document_of(target, *current, contract::Secrets::kReveal));
                         const auto masked = TRY(impl_->document_of(target, *current, contract::Secrets::kMask));
                         const auto patched = TRY(contract::json_patch({revealed, masked}, patch));
                         const auto status_of = [](const std::string& text) {
                           return nlohmann::json::parse(text).value("status", nlohmann::json::object());
                         };
                         if (status_of(patched) != status_of(revealed)) return status_is_not_yours();
                         return impl_->draft_document(context, target, patched, *current, options);
                       }});
}

}  // namespace novacron::host::resource
