#include "host/plugin/abi.h"

#include <fcntl.h>

#include <algorithm>

#include "host/plugin/broker.h"
#include "host/plugin/frame.h"

namespace novacron::host::plugin {
namespace {

constexpr size_t kMaxMethods = 1'024;
constexpr size_t kMaxNameBytes = 255;

/// Gives a buffer back to whoever made it.
class Released final {
 public:
  explicit Released(const nc_buf& buffer) : buffer_(buffer) {}
  ~Released() {
    if (!buffer_.release) return;
    const Frame frame(Where::kAny, nullptr, nullptr);
    buffer_.release(buffer_.owner, buffer_.ptr, buffer_.len);
  }
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;

 private:
  const nc_buf& buffer_;
};

std::string_view bytes_of(const nc_buf& buffer) {
  return buffer.ptr ? std::string_view(static_cast<const char*>(buffer.ptr), buffer.len) : std::string_view();
}

Error bad_message(std::string why) {
  return {Code::kInvalidArgument, std::move(why), "host.bad-message"};
}

/// Owns all descriptors, also those of a malformed message.
Result<std::vector<Fd>> take_descriptors(const nc_fds& given) {
  std::vector<Fd> fds;
  const uint32_t count = std::min(given.len, NC_FDS_MAX);
  fds.reserve(count);
  bool sound = given.len <= NC_FDS_MAX;
  for (uint32_t i = 0; i < count; ++i) {
    sound = ::fcntl(given.fd[i], F_SETFD, FD_CLOEXEC) == 0 && sound;
    fds.emplace_back(given.fd[i]);
  }
  if (sound) return fds;
  return Error{Code::kInvalidArgument, "a message carries at most 15 open descriptors", "host.bad-descriptor"};
}

}  // namespace

Code code_of(nc_code code) {
  return code >= 0 && code <= NC_UNAUTHENTICATED ? static_cast<Code>(code) : Code::kUnknown;
}

Result<TakenMessage> take_message(const nc_message* message) {
  TakenMessage taken;
  if (!message) return taken;
  if (!NC_HAS(message, body)) return bad_message("the message's size leaves out its body");
  const Released released(message->body);
  taken.message.emplace();
  if (NC_HAS(message, fds) && message->fds.len > 0) taken.message->fds = TRY(take_descriptors(message->fds));
  const std::string_view body = bytes_of(message->body);
  if (body.size() > kMaxMessageBytes) {
    return Error{Code::kResourceExhausted, "a message has at most 4 MiB", "host.message-too-large"};
  }
  taken.last = (message->flags & NC_MESSAGE_LAST) != 0;
  if (taken.last && !message->body.ptr && taken.message->fds.empty()) {
    taken.message.reset();
  } else {
    taken.message->body = body;
  }
  return taken;
}

Result<Message> take_result(const nc_result* result) {
  if (!result || !NC_HAS(result, code)) {
    return Error{Code::kInternal, "the plugin finished without a result", "plugin.bad-result"};
  }
  auto message = take_message(NC_HAS(result, message) ? result->message : nullptr);
  Error error{code_of(result->code), ""};
  if (NC_HAS(result, reason)) error.reason = view(result->reason).substr(0, kMaxReasonBytes);
  if (NC_HAS(result, text)) error.message = view(result->text).substr(0, kMaxTextBytes);
  if (NC_HAS(result, detail)) {
    const Released released(result->detail);
    if (result->detail.len <= kMaxDetailBytes) error.detail = bytes_of(result->detail);
  }
  if (NC_HAS(result, retry_after_ns)) error.retry_after_ns = result->retry_after_ns;
  if (error.code != Code::kOk) return error;
  if (!message.ok()) return Error{Code::kInternal, message.error().message, "plugin.bad-result"};
  return message->message ? std::move(*message->message) : Message{};
}

void MessageView::set(Message message, uint32_t flags) {
  body_ = std::move(message.body);
  abi_.size = sizeof(abi_);
  abi_.flags = flags;
  abi_.body = {body_.data(), body_.size(), nullptr, nullptr};
  abi_.fds.len = static_cast<uint32_t>(std::min<size_t>(message.fds.size(), NC_FDS_MAX));
  for (uint32_t i = 0; i < abi_.fds.len; ++i) abi_.fds.fd[i] = message.fds[i].release();
}

void MessageView::copy_to(nc_message& out) const {
  if (NC_HAS(&out, flags)) out.flags = abi_.flags;
  if (NC_HAS(&out, body)) out.body = abi_.body;
  if (NC_HAS(&out, fds)) {
    out.fds = abi_.fds;
    return;
  }
  for (uint32_t i = 0; i < abi_.fds.len; ++i) ::close(abi_.fds.fd[i]);
}

ResultView::ResultView(Result<Message> result) {
  abi_.size = sizeof(abi_);
  if (result.ok()) {
    message_.set(std::move(result).value(), NC_MESSAGE_LAST);
    abi_.message = message_.get();
    return;
  }
  error_ = std::move(result).error();
  abi_.code = code_of(error_.code);
  abi_.reason = borrow(error_.reason);
  abi_.text = borrow(error_.message);
  abi_.detail = {error_.detail.data(), error_.detail.size(), nullptr, nullptr};
  abi_.retry_after_ns = error_.retry_after_ns;
}

Result<ServiceSpec> service_spec(const nc_service* service) {
  const auto malformed = [](std::string why) {
    return Error{Code::kInvalidArgument, std::move(why), "plugin.descriptor"};
  };
  if (!service || !NC_HAS(service, methods_len)) return malformed("a service's size leaves out its methods");
  ServiceSpec spec;
  spec.name = view(service->name);
  if (spec.name.empty() || spec.name.size() > kMaxNameBytes) return malformed("a service's name has 1 to 255 bytes");
  if (service->methods_len > kMaxMethods || (service->methods_len > 0 && !service->methods)) {
    return malformed(spec.name + " has too many methods, or none where it says so");
  }
  for (size_t i = 0; i < service->methods_len; ++i) {
    const nc_method* method = service->methods[i];
    if (!method || !NC_HAS(method, name)) return malformed(spec.name + ": a method's size leaves out its name");
    MethodSpec made{std::string(view(method->name)), method->flags, 0};
    if (made.name.empty() || made.name.size() > kMaxNameBytes) return malformed(spec.name + ": a method has no name");
    if (NC_HAS(method, default_timeout_ns)) made.default_timeout_ns = method->default_timeout_ns;
    spec.methods.push_back(std::move(made));
  }
  return spec;
}

}  // namespace novacron::host::plugin
