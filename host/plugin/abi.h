// Between the C structs of the ABI and the host's own types: sizes are honoured, buffers released, descriptors owned.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/plugin/service.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::plugin {

constexpr size_t kMaxReasonBytes = 128;
constexpr size_t kMaxTextBytes = 4'096;
constexpr size_t kMaxDetailBytes = 64 * 1'024;

inline std::string_view view(const nc_str& text) {
  return text.ptr ? std::string_view(text.ptr, text.len) : std::string_view();
}
inline nc_str borrow(std::string_view text) {
  return {text.data(), text.size()};
}
/// Codes that nobody knows are UNKNOWN.
Code code_of(nc_code code);
inline nc_code code_of(Code code) {
  return static_cast<nc_code>(code);
}

/// A message that came from a plugin: its body copied and released, its descriptors owned, whatever is returned.
struct TakenMessage {
  std::optional<Message> message;  ///< none: NULL, or the bare end of a stream (last, no bytes at all, no descriptors)
  bool last = false;
};
/// INVALID_ARGUMENT "host.bad-message", "host.bad-descriptor"; RESOURCE_EXHAUSTED "host.message-too-large".
Result<TakenMessage> take_message(const nc_message* message);

/// A result that came from a plugin.
Result<Message> take_result(const nc_result* result);

/// A message as a plugin sees it. Its body lives here; its descriptors are the plugin's once released into it.
class MessageView final {
 public:
  MessageView() = default;
  MessageView(const MessageView&) = delete;
  MessageView& operator=(const MessageView&) = delete;

  /// Whoever gets get() owns the descriptors from then on.
  void set(Message message, uint32_t flags);
  const nc_message* get() const { return &abi_; }
  /// The same into a struct of the plugin's, no field beyond its size.
  void copy_to(nc_message& out) const;
  void forget_descriptors() { abi_.fds.len = 0; }

 private:
  std::string body_;
  nc_message abi_{};
};

/// A result as a plugin sees it.
class ResultView final {
 public:
  explicit ResultView(Result<Message> result);
  const nc_result* get() const { return &abi_; }
  /// They were handed out once already.
  void forget_descriptors() { message_.forget_descriptors(); }

 private:
  MessageView message_;
  Error error_;
  nc_result abi_{};
};

/// What a plugin declared, checked. INVALID_ARGUMENT "plugin.descriptor".
Result<ServiceSpec> service_spec(const nc_service* service);

}  // namespace novacron::host::plugin
