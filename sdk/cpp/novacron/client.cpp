#include "novacron/client.h"

namespace novacron {
namespace {

// The result of a call comes at its deadline at the latest; a host that is later than this is broken.
constexpr uint64_t kResultSlackNs = 5'000'000'000;

// No result came: the wait itself failed.
constexpr std::string_view kNotEnded = "call.not-ended";

uint64_t deadline_of(const Route& route, uint32_t method, const CallOptions& options) {
  if (options.deadline_ns != 0) return options.deadline_ns;
  const nc_method& declared = *route.service->methods[method];
  const bool is_stream = (declared.flags & (NC_METHOD_CLIENT_STREAM | NC_METHOD_SERVER_STREAM)) != 0;
  uint64_t timeout_ns = options.timeout_ns != 0 ? options.timeout_ns : declared.default_timeout_ns;
  if (timeout_ns == 0) timeout_ns = is_stream ? kDefaultStreamTimeoutNs : kDefaultTimeoutNs;
  return route.host->now(route.host->self, NC_CLOCK_MONOTONIC) + timeout_ns;
}

nc_request request_of(uint32_t method, uint64_t deadline_ns, const CallOptions& options, const nc_message* message) {
  nc_request request{};
  request.size = sizeof(request);
  request.method = method;
  request.context = options.context;
  request.deadline_ns = deadline_ns;
  request.message = message;
  request.idempotency_key = str(options.idempotency_key);
  return request;
}

Result<std::string_view> reply_of(const nc_result& result) {
  if (result.code != NC_OK) {
    return Error{.code = static_cast<Code>(result.code),
                 .message = std::string(view(result.text)),
                 .reason = std::string(view(result.reason)),
                 .retry_after_ns = result.retry_after_ns,
                 .detail = {static_cast<const char*>(result.detail.ptr), result.detail.len}};
  }
  if (result.message == nullptr) return std::string_view();
  return std::string_view(static_cast<const char*>(result.message->body.ptr), result.message->body.len);
}

// A result's bytes stay its own; its descriptors are the receiver's.
void take_fds(const nc_result& result, Fds* received) {
  if (result.code != NC_OK || result.message == nullptr) return;
  for (uint32_t i = 0; i < result.message->fds.len && i < NC_FDS_MAX; ++i) {
    Fd fd(result.message->fds.fd[i]);
    if (received != nullptr) received->push_back(std::move(fd));
  }
}

struct Completion {
  const nc_host* host;
  Fds* received;
  std::function<void(Result<std::string_view>)> done;

  static void run(void* ctx, nc_call, const nc_result* result) noexcept {
    const std::unique_ptr<Completion> self(static_cast<Completion*>(ctx));
    take_fds(*result, self->received);
    try {
      self->done(reply_of(*result));
    } catch (...) {
      self->host->log(self->host->self, NC_LOG_ERROR, str("a completion threw"), nullptr, 0);
    }
  }
};

}  // namespace

ClientCall::ClientCall(ClientCall&& other) noexcept
    : channel_(other.channel_),
      refusal_(std::move(other.refusal_)),
      received_(other.received_),
      is_owner_(std::exchange(other.is_owner_, false)) {}

ClientCall::~ClientCall() {
  if (is_owner_ && channel_.call() != 0) channel_.host()->drop(channel_.host()->self, channel_.call());
}

Result<std::string_view> ClientCall::wait() {
  return wait_until(channel_.deadline_ns() + kResultSlackNs);
}

Error ClientCall::ended_with(Error otherwise) {
  auto result = wait_until(channel_.host()->now(channel_.host()->self, NC_CLOCK_MONOTONIC));
  if (result.ok() || result.error().reason == kNotEnded) return otherwise;
  return std::move(result).error();
}

Result<std::string_view> ClientCall::wait_until(uint64_t until_ns) {
  if (refusal_) return *refusal_;
  const nc_result* result = nullptr;
  const nc_host* host = channel_.host();
  const nc_code code = host->wait(host->self, channel_.call(), until_ns, &result);
  if (code != NC_OK) {
    return Error{
        .code = static_cast<Code>(code), .message = "waiting for a call failed", .reason = std::string(kNotEnded)};
  }
  if (!std::exchange(has_waited_, true)) take_fds(*result, received_);
  return reply_of(*result);
}

void ClientCall::cancel() const {
  channel_.host()->cancel(channel_.host()->self, channel_.call());
}

ClientCall open_call(const Route& route, uint32_t method, std::optional<std::string> body, CallOptions options) {
  if (Status fits = check_fds(options.fds); !fits.ok()) return ClientCall(route.host, std::move(fits).error());
  const uint64_t deadline_ns = deadline_of(route, method, options);
  std::optional<Outgoing> message;
  if (body) message.emplace(*std::move(body), std::move(options.fds), NC_MESSAGE_LAST);
  const nc_request request = request_of(method, deadline_ns, options, message ? message->pass() : nullptr);
  const nc_call call = route.host->call(route.host->self, route.id, &request, nullptr, nullptr);
  return ClientCall(route.host, call, deadline_ns, options.received);
}

void open_call_async(const Route& route, uint32_t method, std::string body, CallOptions options,
                     std::function<void(Result<std::string_view>)> done) {
  if (Status fits = check_fds(options.fds); !fits.ok()) return done(std::move(fits).error());
  const uint64_t deadline_ns = deadline_of(route, method, options);
  Outgoing message(std::move(body), std::move(options.fds), NC_MESSAGE_LAST);
  auto completion = std::make_unique<Completion>(Completion{route.host, options.received, std::move(done)});
  const nc_request request = request_of(method, deadline_ns, options, message.pass());
  route.host->call(route.host->self, route.id, &request, completion.release(), Completion::run);
}

Error unimplemented(std::string_view method) {
  return {.code = Code::kUnimplemented,
          .message = std::string(method) + " is not implemented here",
          .reason = "call.unimplemented"};
}

}  // namespace novacron
