#include "sdk/boundary/loan.h"

namespace novacron::boundary {

Loan::~Loan() {
  for (const void* loan : loans_) memory_->end(loan);
}

void* Loan::copy(const void* bytes, size_t length, const char* what) {
  void* const copied = memory_->lend(bytes, length, what);
  if (copied != nullptr) loans_.push_back(copied);
  return copied;
}

// As long as its owner said, which may be shorter than the struct that this code knows.
template <class T>
T* Loan::copy_struct(const T* value, const char* what) {
  return static_cast<T*>(copy(value, value->size, what));
}

void Loan::seal() {
  for (const void* loan : loans_) memory_->seal(loan);
}

nc_str Loan::text(nc_str text, const char* what) {
  if (memory_ == nullptr) return text;
  const void* const copied = copy(text.ptr, text.len, what);
  return copied == nullptr ? text : nc_str{static_cast<const char*>(copied), text.len};
}

nc_buf Loan::body(const nc_buf& body, const char* what) {
  if (memory_ == nullptr || body.release != nullptr || body.ptr == nullptr) return body;
  const void* const copied = copy(body.ptr, body.len, what);
  return copied == nullptr ? body : nc_buf{copied, body.len, nullptr, nullptr};
}

const nc_buf* Loan::buffer(const nc_buf* buffer, const char* what) {
  if (memory_ == nullptr || buffer == nullptr) return buffer;
  auto* const copied = static_cast<nc_buf*>(copy(buffer, sizeof(nc_buf), "an nc_buf"));
  if (copied == nullptr) return buffer;
  *copied = body(*buffer, what);
  seal();
  return copied;
}

const nc_message* Loan::build(const nc_message* message) {
  if (message == nullptr) return message;
  nc_message* const copied = copy_struct(message, "an nc_message");
  if (copied == nullptr) return message;
  copied->body = body(message->body, "the body of a message");
  return copied;
}

const nc_request* Loan::request(const nc_request* request) {
  if (memory_ == nullptr) return request;
  nc_request* const copied = copy_struct(request, "an nc_request");
  if (copied == nullptr) return request;
  copied->message = build(request->message);
  copied->idempotency_key = text(request->idempotency_key, "the idempotency key of a request");
  if (NC_HAS(copied, node)) copied->node = text(request->node, "the node of a request");
  seal();
  return copied;
}

const nc_result* Loan::result(const nc_result* result) {
  if (memory_ == nullptr) return result;
  nc_result* const copied = copy_struct(result, "an nc_result");
  if (copied == nullptr) return result;
  copied->message = build(result->message);
  copied->reason = text(result->reason, "the reason of a result");
  copied->text = text(result->text, "the text of a result");
  copied->detail = body(result->detail, "the detail of a result");
  seal();
  return copied;
}

const nc_event* Loan::event(const nc_event* event) {
  if (memory_ == nullptr) return event;
  nc_event* const copied = copy_struct(event, "an nc_event");
  if (copied == nullptr) return event;
  copied->subject = text(event->subject, "the subject of an event");
  copied->tenant = text(event->tenant, "the tenant of an event");
  copied->trace_parent = text(event->trace_parent, "the trace parent of an event");
  copied->body = body(event->body, "the body of an event");
  return copied;
}

const nc_event* const* Loan::events(const nc_event* const* events, size_t length) {
  if (memory_ == nullptr) return events;
  auto* const list = static_cast<const nc_event**>(copy(events, length * sizeof(*events), "a list of events"));
  if (list == nullptr) return events;
  for (size_t i = 0; i < length; ++i) list[i] = event(events[i]);
  seal();
  return list;
}

}  // namespace novacron::boundary
