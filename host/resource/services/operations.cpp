#include <novacron/core/v1/operation.pb.h>

#include <google/protobuf/empty.pb.h>

#include <atomic>

#include "host/resource/actions.h"
#include "host/resource/progress.h"
#include "host/resource/services/method_table.h"
#include "host/resource/services/services.h"

namespace novacron::host::resource {
namespace {

namespace api = novacron::core::v1;

api::ObjectRef message_of(const ObjectRef& ref) {
  api::ObjectRef out;
  out.set_kind(ref.kind);
  out.set_tenant(ref.tenant);
  out.set_name(ref.name);
  out.set_uid(ref.uid);
  return out;
}

ProgressReport report_of(const api::OperationReport& message) {
  ProgressReport report;
  if (message.has_percent()) report.percent = message.percent();
  if (message.has_step()) report.step = message.step();
  if (message.has_message()) report.message = message.message();
  if (message.has_checkpoint()) report.checkpoint = message.checkpoint();
  return report;
}

class Operations {
 public:
  explicit Operations(Actions& actions) : actions_(actions) {}

  Result<api::CurrentOperation> current(const plugin::ServerCall& call, const google::protobuf::Empty&) {
    const auto current = TRY(actions_.current(*call.context()));
    api::CurrentOperation reply;
    *reply.mutable_operation() = message_of(current.ref);
    reply.set_checkpoint(current.checkpoint);
    reply.set_attempt(current.attempt);
    reply.set_cancel(current.cancel);
    return reply;
  }

  Result<api::OperationReportReply> report(const plugin::ServerCall& call, const api::OperationReport& report) {
    api::OperationReportReply reply;
    reply.set_cancel(TRY(actions_.report(*call.context(), report_of(report), call.deadline_ns())));
    return reply;
  }

  Result<api::StartOperationReply> start(const plugin::ServerCall& call, const api::StartOperationRequest& request) {
    const auto& target = request.target();
    ChildRequest child{{target.kind(), target.tenant(), target.name(), target.uid()},
                       request.verb(),
                       request.request(),
                       request.key()};
    api::StartOperationReply reply;
    *reply.mutable_operation() = message_of(TRY(actions_.start_child(call.context(), child)));
    return reply;
  }

  /// Nobody's thread waits: the end of the child, or of the call, is heard of.
  void wait(const CallPtr& call, const api::WaitOperationRequest& request) {
    const ObjectRef child{"", request.operation().tenant(), request.operation().name()};
    const uint64_t waiter = ++last_waiter_;
    const auto waiting = actions_.when_ended(*call->context(), child, waiter,
                                             [this, call, child] { call->finish(outcome(*call, child)); });
    if (!waiting.ok()) return call->finish(waiting.error());
    call->on_cancel([this, child, waiter, weak = std::weak_ptr(call)] {
      if (const auto over = weak.lock()) over->finish(Error{Code::kCancelled, "nobody waits any more"});
      actions_.forget_waiter(child, waiter);
    });
  }

 private:
  Result<plugin::Message> outcome(const plugin::ServerCall& call, const ObjectRef& child) {
    const auto ended = TRY(actions_.outcome(*call.context(), child));
    return plugin::Message{ended.SerializeAsString(), {}};
  }

  Actions& actions_;
  std::atomic<uint64_t> last_waiter_ = 0;
};

}  // namespace

std::unique_ptr<plugin::Service> make_operations_service(Actions& actions) {
  const auto operations = std::make_shared<Operations>(actions);
  auto table = std::make_unique<MethodTable>("novacron.core.v1.Operations");
  const auto with = [&operations](auto function) {
    return [operations, function](plugin::ServerCall& call, const auto& request) {
      return (*operations.*function)(call, request);
    };
  };
  table->unary<google::protobuf::Empty, api::CurrentOperation>("Current", with(&Operations::current));
  table->unary<api::OperationReport, api::OperationReportReply>("Report", with(&Operations::report));
  table->unary<api::StartOperationRequest, api::StartOperationReply>("Start", with(&Operations::start));
  table->custom<api::WaitOperationRequest>(
      "Wait", 0, [operations](const CallPtr& call, const auto& request) { operations->wait(call, request); });
  return table;
}

}  // namespace novacron::host::resource
