// The one way by which objects change: read, decide, and commit all that belongs together in one transaction, again
// and again until nobody was in between.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "host/base/random.h"
#include "host/resource/contracts.h"
#include "host/resource/objects.h"
#include "host/resource/store.h"

namespace novacron::host::resource {

/// What an object is to be.
struct Draft {
  std::shared_ptr<StoredSpec> record;  ///< null: gone
  std::optional<std::string> status;   ///< none: as it is
};

/// Decides from what is there (null: nothing) what is to be. Called anew when somebody was in between.
using Decide = std::function<Result<Draft>(const StoredObject* current)>;

struct WriteRequest {
  auth::ContextPtr context;
  ObjectRef ref;
  std::string_view verb;
  const WriteOptions& options;
  Decide decide;
  bool status_only = false;                      ///< a change of the spec in between does not matter
  std::optional<uint64_t> status_revision = {};  ///< that the status must have
  std::vector<state::Put> extra = {};            ///< written together with it
};

class Writer {
 public:
  struct Parts {
    Objects& objects;
    Contracts& contracts;
    const auth::Authorizer& authorizer;
    const Clock& clock;
    Random& random;
  };
  explicit Writer(const Parts& parts) : parts_(parts) {}

  Result<WriteResult> write(const WriteRequest& request);
  /// The audit record of something that changes no object by itself.
  state::Put audit(const auth::Context& context, std::string_view verb, const ObjectRef& ref, uint64_t revision,
                   std::string detail);
  std::string uuid();

 private:
  struct Plan;
  Result<WriteResult> attempt(const WriteRequest& request, bool& again);
  Status commit(const WriteRequest& request, StoredObject object, Plan& plan, WriteResult& result, bool& again);
  Result<std::optional<WriteResult>> replay(const WriteRequest& request);

  Status plan(const WriteRequest& request, const StoredObject* current, Draft& draft, Plan& plan);
  Status plan_creation(const WriteRequest& request, const Draft& draft, Plan& plan);
  Status plan_deletion(const StoredObject& current, Plan& plan);
  Status plan_removal(const StoredObject& current, Plan& plan);
  Status plan_spec(const WriteRequest& request, const StoredObject* current, StoredSpec& record, Plan& plan);
  Status plan_status(const WriteRequest& request, const StoredObject* current, const Draft& draft, Plan& plan);
  Status plan_references(const WriteRequest& request, const StoredObject* current, StoredSpec& record, Plan& plan);
  Status plan_owners(const StoredObject* current, const StoredSpec& record, Plan& plan);
  Status plan_blobs(const ObjectRef& ref, const StoredObject* current, const StoredSpec* record, Plan& plan);
  Status plan_idempotency(const WriteRequest& request, const WriteResult& result, Plan& plan);

  Status check_preconditions(const WriteRequest& request, const StoredObject* current, Plan& plan);
  Status check_size(const ObjectRef& ref, const Draft& draft, const StoredObject* current) const;
  Status check_referrers(const StoredObject& target);
  Status check_blob_unused(const StoredObject& blob);
  Status check_tenant_empty(const StoredObject& tenant);
  Result<std::string> uid_of_target(const WriteRequest& request, const StoredObject* current, const ObjectRef& target,
                                    const std::string& path, Plan& plan);
  Result<StoredObject> target_of(const WriteRequest& request, const ObjectRef& target, const std::string& path);
  WriteResult result_of(const StoredObject& object, const Plan& plan) const;

  std::atomic<uint32_t> audits_ = 0;  ///< keeps records of one instant in order
  Parts parts_;
};

}  // namespace novacron::host::resource
