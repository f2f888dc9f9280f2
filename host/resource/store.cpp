#include "host/resource/store.h"

#include <host/resource/record.pb.h>
#include <novacron/core/v1/host.pb.h>

#include "host/auth/roles.h"
#include "host/contract/lint.h"
#include "host/contract/validate.h"
#include "host/contract/violations.h"
#include "host/resource/keys.h"
#include "host/resource/store_impl.h"

namespace novacron::host::resource {

Store::Store(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
Store::~Store() = default;

Controllers& Store::controllers() {
  return impl_->controllers;
}

std::shared_ptr<const contract::Schema> Store::schema() const {
  return impl_->contracts.schema();
}

void Store::admit_through(plugin::Caller& caller) {
  impl_->admission = std::make_unique<AdmissionChain>(impl_->objects, caller);
}

Status Store::bootstrap() {
  TRY_STATUS(impl_->contracts.reload());
  const ObjectRef ref{std::string(kTenantKind), "", std::string(kDefaultTenant)};
  if (TRY(impl_->objects.read(ref))) return {};
  const auto made =
      create(auth::host_context(""), ref, Body::json(R"({"spec":{"description":"Whoever names no other"}})"));
  if (made.ok() || made.code() == Code::kAlreadyExists) return {};
  return made.error();
}

Status Store::audit(const auth::ContextPtr& context, std::string_view verb, const ObjectRef& ref, std::string detail) {
  auto record = impl_->writer.audit(*context, verb, ref, 0, std::move(detail));
  TRY(impl_->objects.sync().put(std::move(record.key), std::move(record.value)));
  return {};
}

Result<std::string> Store::kind_of(std::string_view noun) const {
  const auto now = schema();
  if (const auto* kind = now->find_noun(noun)) return kind->id;
  return Error{Code::kNotFound, "no installed contract has the kind " + std::string(noun), "resource.unknown-kind"};
}

Result<const contract::Kind*> Store::Impl::kind_of(const contract::Schema& schema, std::string_view id) const {
  if (const auto* kind = schema.find_kind(id)) return kind;
  return Error{Code::kNotFound, "no installed contract has the kind " + std::string(id), "resource.unknown-kind"};
}

Result<const contract::Kind*> Store::Impl::version_of(const contract::Kind& kind, const std::string& version) const {
  if (version.empty()) return &kind;
  if (const auto* found = kind.find_version(version)) return found;
  std::string known = kind.version;
  for (const auto& older : kind.older) known += ", " + older.version;
  return Error{Code::kNotFound, "there is no version " + version + " of " + kind.id + "; installed: " + known,
               "resource.unknown-version"};
}

Status Store::Impl::authorize(const auth::ContextPtr& context, std::string_view verb, const ObjectRef& ref) const {
  return options.authorizer.authorize(*context, {std::string(verb), ref.kind, ref.tenant, ref.name});
}

Result<std::string> Store::Impl::visible_tenant(const auth::ContextPtr& context, std::string_view verb,
                                                const contract::Kind& kind, const std::string& tenant) const {
  const bool by_tenant = kind.scope == contract::Scope::kTenant;
  if (!by_tenant && !tenant.empty()) {
    return Error{Code::kInvalidArgument, kind.plural + " belong to no tenant", "resource.no-tenant"};
  }
  const bool own = by_tenant && tenant.empty() && !context->identity.tenant.empty();
  const std::string visible = own ? context->identity.tenant : tenant;
  TRY_STATUS(authorize(context, verb, {kind.id, visible, ""}));
  return visible;
}

Result<Store::Impl::Target> Store::Impl::target(const auth::ContextPtr& context, std::string_view verb,
                                                const ObjectRef& ref, const std::string& version) const {
  auto target = TRY(named(ref, version));
  TRY_STATUS(authorize(context, verb, ref));
  return target;
}

Result<Store::Impl::Target> Store::Impl::named(const ObjectRef& ref, const std::string& version) const {
  Target target{contracts.schema(), nullptr, ref};
  target.kind = TRY(kind_of(*target.schema, ref.kind));
  target.spoken = TRY(version_of(*target.kind, version));
  contract::Violations violations;
  const bool by_tenant = target.kind->scope == contract::Scope::kTenant;
  if (by_tenant && ref.tenant.empty()) violations.add("metadata.tenant", "is required for " + target.kind->plural);
  if (!by_tenant && !ref.tenant.empty())
    violations.add("metadata.tenant", target.kind->plural + " belong to no tenant");
  const std::string rule = "must be 1 to 63 lower-case letters, digits and dashes, with no dash at either end";
  if (!contract::is_label(ref.name)) violations.add("metadata.name", rule);
  if (!ref.tenant.empty() && !contract::is_label(ref.tenant)) violations.add("metadata.tenant", rule);
  TRY_STATUS(violations.status());
  return target;
}

Result<ObjectView> Store::get(const auth::ContextPtr& context, const ObjectRef& ref, uint64_t at_revision) {
  const auto schema = this->schema();
  TRY(impl_->kind_of(*schema, ref.kind));
  if (ref.kind == kOperationKind && at_revision == 0) {
    auto operation = TRY(impl_->converge_operation(context, ref));
    if (operation) return std::move(*operation);
  }
  TRY_STATUS(impl_->authorize(context, "get", ref));
  const auto object = TRY(impl_->objects.read(ref, at_revision));
  if (!object || (!ref.uid.empty() && ref.uid != object->ref.uid)) return not_found(ref);
  return view_of(schema, *object);
}

}  // namespace novacron::host::resource
