#include "host/sandbox/abi_wire.h"

#include <fcntl.h>

#include <algorithm>

namespace novacron::host::sandbox {
namespace {

constexpr size_t kMinMethodBytes = 16;

/// All are owned at once, also those that turn out to be none.
void put_descriptors(Out& out, const nc_fds& given) {
  const uint32_t count = std::min(given.len, NC_FDS_MAX);
  uint8_t sound = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (::fcntl(given.fd[i], F_SETFD, FD_CLOEXEC) != 0) continue;
    out.fds.emplace_back(given.fd[i]);
    ++sound;
  }
  out.writer.number(sound);
  // One that is not open, or too many, are for the receiver to refuse, as they would be without a sandbox.
  out.writer.number(static_cast<uint8_t>(sound != given.len));
}

nc_fds get_descriptors(In& in) {
  nc_fds fds{};
  const auto count = in.reader.number<uint8_t>();
  const bool malformed = in.reader.number<uint8_t>() != 0;
  for (uint8_t i = 0; i < count && i < NC_FDS_MAX && in.fds_taken < in.fds.size(); ++i) {
    fds.fd[fds.len++] = in.fds[in.fds_taken++].release();
  }
  if (malformed && fds.len < NC_FDS_MAX) fds.fd[fds.len++] = -1;
  return fds;
}

}  // namespace

void put_buffer(Out& out, const nc_buf& buffer) {
  const bool there = buffer.ptr != nullptr;
  out.writer.number(static_cast<uint8_t>(there));
  out.writer.text(there ? std::string_view(static_cast<const char*>(buffer.ptr), buffer.len) : std::string_view());
  if (buffer.release) buffer.release(buffer.owner, buffer.ptr, buffer.len);
}

nc_buf get_buffer(In& in) {
  const bool there = in.reader.number<uint8_t>() != 0;
  const std::string_view bytes = in.reader.text();
  return {there ? bytes.data() : nullptr, there ? bytes.size() : 0, nullptr, nullptr};
}

nc_str get_text(In& in) {
  return borrow(in.reader.text());
}

void put_message(Out& out, const nc_message* message) {
  const bool there = message && NC_HAS(message, body);
  out.writer.number(static_cast<uint8_t>(there ? 1 : message ? 2 : 0));
  if (!there) return;
  out.writer.number(message->flags);
  put_buffer(out, message->body);
  put_descriptors(out, NC_HAS(message, fds) ? message->fds : nc_fds{});
}

MessageIn get_message(In& in) {
  MessageIn message;
  const auto there = in.reader.number<uint8_t>();
  message.there = there != 0;
  message.abi.size = there == 2 ? sizeof(uint32_t) : sizeof(nc_message);  // 2: it was cut short
  if (there != 1) return message;
  message.abi.flags = in.reader.number<uint32_t>();
  message.abi.body = get_buffer(in);
  message.abi.fds = get_descriptors(in);
  return message;
}

void put_result(Out& out, const nc_result* result) {
  const bool there = result && NC_HAS(result, code);
  out.writer.number(static_cast<uint8_t>(there));
  if (!there) return;
  out.writer.number(result->code);
  put_message(out, NC_HAS(result, message) ? result->message : nullptr);
  out.writer.text(NC_HAS(result, reason) ? view(result->reason) : std::string_view());
  out.writer.text(NC_HAS(result, text) ? view(result->text) : std::string_view());
  put_buffer(out, NC_HAS(result, detail) ? result->detail : nc_buf{});
  out.writer.number(NC_HAS(result, retry_after_ns) ? result->retry_after_ns : uint64_t{0});
}

ResultIn get_result(In& in) {
  ResultIn result;
  if (in.reader.number<uint8_t>() == 0) return result;
  result.abi.size = sizeof(nc_result);
  result.abi.code = in.reader.number<nc_code>();
  result.message = get_message(in);
  result.abi.reason = get_text(in);
  result.abi.text = get_text(in);
  result.abi.detail = get_buffer(in);
  result.abi.retry_after_ns = in.reader.number<uint64_t>();
  return result;
}

void put_request(Out& out, const nc_request& request) {
  out.writer.number(request.method);
  out.writer.number(request.call);
  out.writer.number(request.context);
  out.writer.number(request.deadline_ns);
  put_message(out, request.message);
  out.writer.text(NC_HAS(&request, idempotency_key) ? view(request.idempotency_key) : std::string_view());
  out.writer.text(NC_HAS(&request, node) ? view(request.node) : std::string_view());
}

RequestIn get_request(In& in) {
  RequestIn request;
  request.abi.size = sizeof(nc_request);
  request.abi.method = in.reader.number<uint32_t>();
  request.abi.call = in.reader.number<nc_call>();
  request.abi.context = in.reader.number<nc_context>();
  request.abi.deadline_ns = in.reader.number<uint64_t>();
  request.message = get_message(in);
  request.abi.idempotency_key = get_text(in);
  request.abi.node = get_text(in);
  return request;
}

void put_service(Out& out, const nc_service* service) {
  const bool there = service && NC_HAS(service, methods_len);
  out.writer.text(there ? view(service->name) : std::string_view());
  const size_t count = there && service->methods ? service->methods_len : 0;
  out.writer.number(static_cast<uint32_t>(count));
  for (size_t i = 0; i < count; ++i) {
    const nc_method* method = service->methods[i];
    const bool sound = method && NC_HAS(method, name);
    out.writer.number(sound ? method->flags : 0u);
    out.writer.text(sound ? view(method->name) : std::string_view());
    out.writer.number(sound && NC_HAS(method, default_timeout_ns) ? method->default_timeout_ns : uint64_t{0});
  }
}

std::unique_ptr<ServiceIn> get_service(In& in) {
  auto service = std::make_unique<ServiceIn>();
  service->abi.size = sizeof(nc_service);
  service->abi.name = get_text(in);
  const uint32_t count = in.reader.count(kMinMethodBytes);
  service->methods.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    nc_method method{};
    method.size = sizeof(method);
    method.flags = in.reader.number<uint32_t>();
    method.name = get_text(in);
    method.default_timeout_ns = in.reader.number<uint64_t>();
    service->methods.push_back(method);
  }
  for (const nc_method& method : service->methods) service->pointers.push_back(&method);
  service->abi.methods = service->pointers.data();
  service->abi.methods_len = service->pointers.size();
  return service;
}

void put_event(Out& out, const nc_event& event) {
  out.writer.text(view(event.subject));
  out.writer.text(view(event.tenant));
  out.writer.text(view(event.trace_parent));
  put_buffer(out, event.body);
  out.writer.number(NC_HAS(&event, revision) ? event.revision : uint64_t{0});
  out.writer.number(NC_HAS(&event, time_ns) ? event.time_ns : uint64_t{0});
  out.writer.number(NC_HAS(&event, missed) ? event.missed : uint64_t{0});
}

nc_event get_event(In& in) {
  nc_event event{};
  event.size = sizeof(event);
  event.subject = get_text(in);
  event.tenant = get_text(in);
  event.trace_parent = get_text(in);
  event.body = get_buffer(in);
  event.revision = in.reader.number<uint64_t>();
  event.time_ns = in.reader.number<uint64_t>();
  event.missed = in.reader.number<uint64_t>();
  return event;
}

void put_caller(Out& out, const nc_caller& caller) {
  out.writer.number(caller.flags);
  for (const nc_str* text :
       {&caller.principal, &caller.tenant, &caller.plugin, &caller.node, &caller.trace_parent, &caller.lease}) {
    out.writer.text(view(*text));
  }
  out.writer.number(caller.fence);
}

nc_caller get_caller(In& in) {
  nc_caller caller{};
  caller.size = sizeof(caller);
  caller.flags = in.reader.number<uint32_t>();
  for (nc_str* text :
       {&caller.principal, &caller.tenant, &caller.plugin, &caller.node, &caller.trace_parent, &caller.lease}) {
    *text = get_text(in);
  }
  caller.fence = in.reader.number<uint64_t>();
  return caller;
}

}  // namespace novacron::host::sandbox
