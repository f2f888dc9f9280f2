#include "novacron/call.h"

namespace novacron {

Call::Call(const nc_host* host, const nc_request& request)
    : host_(host),
      channel_(host, request.call, request.deadline_ns),
      context_(request.context),
      idempotency_key_(view(request.idempotency_key)),
      node_(NC_HAS(&request, node) ? view(request.node) : std::string_view()) {
  if (request.message != nullptr) first_.emplace(*request.message);
}

Call::~Call() {
  if (!is_finished_) finish(Error{.code = Code::kInternal, .message = "the method did not end its call"});
}

Result<Caller> Call::caller() const {
  nc_caller raw{};
  raw.size = sizeof(raw);
  const nc_code code = host_->context_info(host_->self, context_, &raw);
  if (code != NC_OK) return Error{.code = static_cast<Code>(code), .message = "the call's context is not valid"};
  const auto copy = [](nc_str text) { return std::string(view(text)); };
  return Caller{.principal = copy(raw.principal),
                .tenant = copy(raw.tenant),
                .plugin = copy(raw.plugin),
                .node = copy(raw.node),
                .trace_parent = copy(raw.trace_parent),
                .lease = copy(raw.lease),
                .fence = raw.fence};
}

CallOptions Call::on_behalf() const {
  CallOptions options;
  options.deadline_ns = deadline_ns();
  options.context = context_;
  return options;
}

Fds Call::take_fds() {
  return first_ ? first_->take_fds() : Fds();
}

void Call::finish(const Status& status) {
  if (std::exchange(is_finished_, true)) return;
  nc_result result{};
  result.size = sizeof(result);
  if (!status.ok()) {
    const Error& error = status.error();
    result.code = static_cast<nc_code>(error.code);
    result.reason = str(error.reason);
    result.text = str(error.message);
    result.detail = {error.detail.data(), error.detail.size(), nullptr, nullptr};
    result.retry_after_ns = error.retry_after_ns;
  }
  host_->finish(host_->self, channel_.call(), &result);
}

void Call::finish(std::string reply) {
  if (Status fits = check_fds(reply_fds_); !fits.ok()) return finish(fits);
  if (std::exchange(is_finished_, true)) return;
  Outgoing message(std::move(reply), std::move(reply_fds_), NC_MESSAGE_LAST);
  nc_result result{};
  result.size = sizeof(result);
  result.message = message.pass();
  host_->finish(host_->self, channel_.call(), &result);
}

}  // namespace novacron
