#include "novacron/instance.h"

#include <algorithm>

namespace novacron {

nc_code report(const Status& status, nc_error* error) noexcept {
  if (status.ok()) return NC_OK;
  const auto code = static_cast<nc_code>(status.error().code);
  if (error == nullptr) return code;
  error->code = code;
  const std::string& text = status.error().message;
  const size_t length = std::min(text.size(), sizeof(error->text) - 1);
  text.copy(error->text, length);
  error->text[length] = '\0';
  return code;
}

void dispatch_guarded(Service& service, uint32_t method, Call& call) noexcept {
  try {
    service.dispatch(method, call);
  } catch (const std::exception& thrown) {
    call.finish(Error{.code = Code::kInternal, .message = thrown.what(), .reason = "plugin.exception"});
  } catch (...) {
    call.finish(
        Error{.code = Code::kInternal, .message = "an exception of unknown type", .reason = "plugin.exception"});
  }
}

}  // namespace novacron
