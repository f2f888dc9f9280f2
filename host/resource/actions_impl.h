// The insides of Actions, for the sources of this folder.
#pragma once

#include <string>

#include "host/plugin/service.h"
#include "host/resource/actions.h"
#include "host/resource/runner.h"
#include "host/resource/store_impl.h"

namespace novacron::host::resource {

class Actions::Runner {
 public:
  Runner(Store& store, plugin::Caller& caller, WorkerPool& pool, TimerQueue& timers, trace::Tracer* tracer)
      : store_(store),
        impl_(*store.impl_),
        caller_(caller),
        operations_(store, impl_.objects, impl_.options.clock, caller, pool, timers, tracer) {}

  Status start() { return operations_.start(); }
  Result<ActionResult> run(const auth::ContextPtr& context, const ActionRequest& request);
  Result<CurrentOperation> current(const auth::Context& context);
  Result<ObjectRef> start_child(const auth::ContextPtr& context, const ChildRequest& request);
  Status check_child(const auth::Context& context, const ObjectRef& child);
  Result<core::v1::EndedOperation> outcome(const ObjectRef& child);
  OperationRunner& operations() { return operations_; }

 private:
  /// An Operation that is to be.
  struct Start {
    const contract::Action& action;
    const ObjectRef& object;
    const std::string& body;
    std::string uid = {};
    ObjectRef parent = {};  ///< no name: none
    uint32_t depth = 0;
    std::string undoes = {};  ///< the operation that it takes back
    Together together = {};
  };
  /// What is to be taken back, and how.
  struct Undo {
    ObjectRef operation;
    ObjectRef target;
    std::string verb;         ///< that takes it back
    uint64_t generation = 0;  ///< that the target must still have
    Together together = {};
  };

  Result<ActionResult> undo(const auth::ContextPtr& context, const ObjectRef& ref, const WriteOptions& options);
  Result<Undo> undo_of_change(const ConvergeName& name, const ObjectRef& ref);
  Result<Undo> undo_of_action(const ObjectRef& ref);
  Result<ActionResult> take_back(const auth::ContextPtr& context, const Undo& undo, const WriteOptions& options);
  Result<ActionResult> change_back(const auth::ContextPtr& context, const Undo& undo, const contract::PatchVerb& verb,
                                   WriteOptions options);
  Result<ActionResult> call_back(const auth::ContextPtr& context, const Undo& undo, const contract::Action& action,
                                 const WriteOptions& options);
  Result<state::Put> mark_undone(const ObjectRef& ref, const std::string& by);
  std::string command_of(const Start& start) const;
  Result<ObjectRef> begin_child(const auth::ContextPtr& context, const Start& start);
  Result<ActionResult> patch(const auth::ContextPtr& context, const ActionRequest& request,
                             const contract::PatchVerb& verb);
  Status check_empty(const std::string& body);
  Result<ActionResult> call(const auth::ContextPtr& context, const ActionRequest& request,
                            const contract::Action& action);
  Status audit(const auth::Context& context, const contract::Action& action, const StoredObject& object);
  Result<ActionResult> answer(const auth::ContextPtr& context, const contract::Action& action, const std::string& body);
  Result<WriteResult> operate(const auth::ContextPtr& context, const Start& start, WriteOptions options);
  Result<ActionResult> started(const auth::ContextPtr& context, Result<WriteResult> written, Effect effect);
  Result<Draft> draft(const Store::Impl::Target& target, const auth::Context& context, const Start& start);

  Store& store_;
  Store::Impl& impl_;
  plugin::Caller& caller_;
  OperationRunner operations_;
};

/// FAILED_PRECONDITION "operation.none" unless the call is of the plugin that carries an operation out.
Result<ObjectRef> operation_of(const auth::Context& context);
/// The method's request as it goes out, with the object that the host fills in.
Result<std::string> with_object(const contract::Action& action, const ObjectRef& object, const std::string& given);

}  // namespace novacron::host::resource
