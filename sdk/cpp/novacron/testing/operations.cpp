#include <algorithm>

#include "novacron/testing/resources.h"

namespace novacron::testing {

using namespace core::v1;

ObjectRef Operations::ref(const std::string& name) {
  return {.kind = "novacron.core/Operation", .tenant = "default", .name = name, .uid = name};
}

void Operations::resume_from(const std::string& checkpoint) {
  const std::lock_guard lock(mutex_);
  checkpoint_ = checkpoint;
  ++attempt_;
}

void Operations::ask_to_stop() {
  const std::lock_guard lock(mutex_);
  cancel_ = true;
}

void Operations::end_children(const std::string& verb, EndedOperation ended) {
  const std::lock_guard lock(mutex_);
  endings_[verb] = std::move(ended);
}

std::vector<OperationReport> Operations::reports() const {
  const std::lock_guard lock(mutex_);
  return reports_;
}

std::string Operations::checkpoint() const {
  const std::lock_guard lock(mutex_);
  return checkpoint_;
}

std::vector<StartOperationRequest> Operations::children() const {
  const std::lock_guard lock(mutex_);
  return children_;
}

Result<CurrentOperation> Operations::current(Call&, const Empty&) {
  const std::lock_guard lock(mutex_);
  return CurrentOperation{
      .operation = ref("operation"), .checkpoint = checkpoint_, .attempt = attempt_, .cancel = cancel_};
}

Result<OperationReportReply> Operations::report(Call&, const OperationReport& report) {
  const std::lock_guard lock(mutex_);
  if (report.percent.value_or(0) > 100) {
    return Error{.code = Code::kInvalidArgument, .message = "percent: is at most 100", .reason = "field.invalid"};
  }
  reports_.push_back(report);
  if (report.checkpoint) checkpoint_ = *report.checkpoint;
  return OperationReportReply{.cancel = cancel_};
}

Result<StartOperationReply> Operations::start(Call&, const StartOperationRequest& request) {
  const std::lock_guard lock(mutex_);
  if (cancel_) return Error{.code = Code::kCancelled, .message = "stopped", .reason = "operation.cancelled"};
  const auto known = std::find_if(children_.begin(), children_.end(),
                                  [&](const StartOperationRequest& child) { return child.key == request.key; });
  if (known == children_.end()) children_.push_back(request);
  return StartOperationReply{.operation = ref(request.key)};
}

Result<EndedOperation> Operations::wait(Call&, const WaitOperationRequest& request) {
  const std::lock_guard lock(mutex_);
  for (const StartOperationRequest& child : children_) {
    if (!request.operation || child.key != request.operation->name) continue;
    const auto ending = endings_.find(child.verb);
    return ending != endings_.end() ? ending->second : EndedOperation{.succeeded = true};
  }
  return Error{.code = Code::kNotFound, .message = "no such child", .reason = "operation.no-child"};
}

}  // namespace novacron::testing
