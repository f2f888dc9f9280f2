#include "novacron/operation.h"

namespace novacron {

namespace {
core::v1::OperationReport message_of(const ProgressReport& report) {
  return {.percent = report.percent, .step = report.step, .message = report.message};
}

Error error_of(core::v1::EndedOperation ended) {
  return {.code = ended.cancelled ? Code::kCancelled : Code::kFailedPrecondition,
          .message = std::move(ended.message),
          .reason = std::move(ended.reason)};
}
}  // namespace

Result<std::string> Operation::checkpoint() const {
  auto current = client_.current({}, call_.on_behalf());
  if (!current.ok()) return std::move(current).error();
  return std::move(current->checkpoint);
}

Result<bool> Operation::send(core::v1::OperationReport message) const {
  const auto reply = client_.report(message, call_.on_behalf());
  if (!reply.ok()) return reply.error();
  return reply->cancel;
}

Result<bool> Operation::report(const ProgressReport& report) const {
  return send(message_of(report));
}

Result<bool> Operation::save(std::string checkpoint, const ProgressReport& report) const {
  auto message = message_of(report);
  message.checkpoint = std::move(checkpoint);
  return send(std::move(message));
}

Result<core::v1::ObjectRef> Operation::start_encoded(const core::v1::ObjectRef& target, std::string verb,
                                                     std::string request, std::string key) const {
  auto started =
      client_.start({.target = target, .verb = std::move(verb), .request = std::move(request), .key = std::move(key)},
                    call_.on_behalf());
  if (!started.ok()) return std::move(started).error();
  return started->operation.value_or(core::v1::ObjectRef{});
}

Result<std::string> Operation::wait_encoded(const core::v1::ObjectRef& child) const {
  auto ended = client_.wait({.operation = child}, call_.on_behalf());
  if (!ended.ok()) return std::move(ended).error();
  if (!ended->succeeded) return error_of(*std::move(ended));
  return std::move(ended->reply);
}

}  // namespace novacron
