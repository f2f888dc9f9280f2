// The structs of the C ABI as payloads of frames, for both ends.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/fd.h"
#include "host/sandbox/wire.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::sandbox {

inline std::string_view view(const nc_str& text) {
  return text.ptr ? std::string_view(text.ptr, text.len) : std::string_view();
}
inline nc_str borrow(std::string_view text) {
  return {text.data(), text.size()};
}

/// A payload on its way out, with its descriptors.
struct Out {
  Writer writer;
  std::vector<Fd> fds;
};

/// A payload that begins with what is asked for.
template <class Op>
Out out_for(Op op) {
  Out out;
  out.writer.number(static_cast<uint8_t>(op));
  return out;
}

/// A payload that came. What is read from it points into it.
struct In {
  explicit In(std::string_view payload) : reader(payload) {}
  In(std::string_view payload, std::vector<Fd> given) : reader(payload), fds(std::move(given)) {}
  Reader reader;
  std::vector<Fd> fds;
  size_t fds_taken = 0;
};

// What is put is taken: buffers are released, descriptors consumed.
void put_buffer(Out& out, const nc_buf& buffer);
void put_message(Out& out, const nc_message* message);
void put_result(Out& out, const nc_result* result);
void put_request(Out& out, const nc_request& request);
void put_service(Out& out, const nc_service* service);
void put_event(Out& out, const nc_event& event);
void put_caller(Out& out, const nc_caller& caller);

nc_str get_text(In& in);
nc_buf get_buffer(In& in);

/// Its descriptors are the receiver's of `abi`: whoever takes that consumes them.
struct MessageIn {
  bool there = false;
  nc_message abi{};
  const nc_message* get() const { return there ? &abi : nullptr; }
};
MessageIn get_message(In& in);

struct ResultIn {
  MessageIn message;
  nc_result abi{};  ///< its message is set by whoever has put this to its place: &message.abi or null
};
ResultIn get_result(In& in);

struct RequestIn {
  MessageIn message;
  nc_request abi{};  ///< likewise
};
RequestIn get_request(In& in);

/// A service's table, with what it points to.
struct ServiceIn {
  std::vector<nc_method> methods;
  std::vector<const nc_method*> pointers;
  nc_service abi{};
};
/// By pointer, since it points into itself.
std::unique_ptr<ServiceIn> get_service(In& in);

nc_event get_event(In& in);
nc_caller get_caller(In& in);

}  // namespace novacron::host::sandbox
