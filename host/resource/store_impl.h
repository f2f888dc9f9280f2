// The store's insides, for the sources of this folder.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "host/contract/parts.h"
#include "host/resource/admission.h"
#include "host/resource/contracts.h"
#include "host/resource/controllers.h"
#include "host/resource/objects.h"
#include "host/resource/store.h"
#include "host/resource/writer.h"

namespace novacron::host::resource {

class Store::Impl {
 public:
  explicit Impl(const Options& given)
      : options(given),
        objects(given.engine),
        contracts(objects),
        writer({objects, contracts, given.authorizer, given.clock, given.random}) {}

  /// NOT_FOUND "resource.unknown-kind".
  Result<const contract::Kind*> kind_of(const contract::Schema& schema, std::string_view id) const;
  /// NOT_FOUND "resource.unknown-version". Empty: the newest.
  Result<const contract::Kind*> version_of(const contract::Kind& kind, const std::string& version) const;
  Status authorize(const auth::ContextPtr& context, std::string_view verb, const ObjectRef& ref) const;
  /// The tenant whose objects the caller gets when it asks for those of `tenant`; empty: of all.
  Result<std::string> visible_tenant(const auth::ContextPtr& context, std::string_view verb, const contract::Kind& kind,
                                     const std::string& tenant) const;

  /// What a write to one object starts with: the kind is known, the names fit, the caller may do it.
  struct Target {
    std::shared_ptr<const contract::Schema> schema;
    const contract::Kind* kind = nullptr;
    ObjectRef ref;
    const contract::Kind* spoken = nullptr;  ///< the version of the kind that the writer knows
  };
  /// The same, whoever asks.
  Result<Target> named(const ObjectRef& ref, const std::string& version = "") const;
  Result<Target> target(const auth::ContextPtr& context, std::string_view verb, const ObjectRef& ref,
                        const std::string& version = "") const;
  Result<contract::Parts> parts_of(const contract::Kind& kind, const Body& body) const;

  /// Defaults, carried-over fields and rules for a spec that is to replace `previous` (null: nothing).
  Result<std::string> finish_spec(const Target& target, const std::string& spec, const std::string* previous,
                                  Effect effect);
  /// Asks the admission hooks, writes with the lock that contracts need, and makes the new schema effective.
  Result<WriteResult> write(const WriteRequest& request);
  /// What the write decides, as the admission hooks let it pass.
  Result<Draft> admitted_draft(const WriteRequest& request, const StoredObject* current);

  Result<Draft> draft_creation(const Target& target, const contract::Parts& parts, const std::string& uid,
                               Effect effect);
  Result<Draft> draft_replacement(const Target& target, const contract::Parts& parts, const StoredObject& current,
                                  bool with_finalizers, Effect effect);

  /// The object's JSON.
  Result<std::string> document_of(const Target& target, const StoredObject& object, contract::Secrets secrets) const;
  /// The object's JSON changed: metadata and spec are to be like that.
  Result<Draft> draft_document(const auth::ContextPtr& context, const Target& target, const std::string& document,
                               const StoredObject& current, const WriteOptions& wanted);
  /// As `given` in the fields of the update mask, as it is in the others.
  Result<Draft> draft_masked(const auth::ContextPtr& context, const Target& target, const contract::Parts& given,
                             const StoredObject& current, const WriteOptions& wanted);
  /// Who has changed what, for an object that was ever applied.
  Status attribute_change(const auth::Context& context, const Target& target, const StoredObject& current,
                          Draft& draft) const;

  /// What a manager says about an object.
  struct Application {
    std::string manager;
    contract::Parts given;
    Conflicts conflicts = Conflicts::kRefuse;
  };
  Result<Draft> draft_application(const Target& target, const Application& application, const StoredObject* current,
                                  Effect effect);

  /// A merge patch under another verb's right: that of a patch verb.
  Result<WriteResult> patch(const auth::ContextPtr& context, std::string_view verb, const ObjectRef& ref,
                            std::string_view patch, const WriteOptions& options);

  /// The Operation "<uid>-g<generation>", "<uid>-g<generation>-<verb>" or "<uid>-deleted"; none: the name is no such.
  Result<std::optional<ObjectView>> converge_operation(const auth::ContextPtr& context, const ObjectRef& ref);

  Options options;
  Objects objects;
  Contracts contracts;
  Controllers controllers{options.clock};
  Writer writer;
  std::unique_ptr<AdmissionChain> admission;  ///< null: nobody is asked
  std::shared_ptr<std::atomic<size_t>> watchers = std::make_shared<std::atomic<size_t>>(0);
};

}  // namespace novacron::host::resource
