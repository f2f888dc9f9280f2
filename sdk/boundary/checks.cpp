// Whether the plugin keeps the contract: one function for each rule that can be seen as it is broken.
#include <cstring>

#include "sdk/boundary/boundary.h"
#include "sdk/boundary/frame.h"

namespace novacron::boundary {
namespace {

constexpr const char* kIdsRule = "RULE 4: objects are named by ids that the host gave; a stale one is a fault";

// What a message must have to be read at all.
constexpr size_t kMessageBytes = offsetof(nc_message, fds) + sizeof(nc_fds);

}  // namespace

void Boundary::check_code(const char* function, nc_code code) {
  if (code >= NC_OK && code <= NC_UNAUTHENTICATED) return;
  find(Subject::kStructs, std::string(function) + " gave the code " + std::to_string(code),
       "nc_code: 0, then the canonical codes of gRPC, 1..16", "return one of the NC_ codes");
}

void Boundary::check_error(const char* function, const nc_error& error) {
  if (std::memchr(error.text, '\0', sizeof(error.text)) != nullptr) return;
  find(Subject::kStructs, std::string(function) + " wrote an error text without an end",
       "nc_error: the plugin writes a terminated text with snprintf", "write it with snprintf(error->text, sizeof …)");
}

void Boundary::check_message(const char* function, const nc_message* message) {
  if (message == nullptr) return;
  const std::string name = function;
  if (message->size < kMessageBytes) {
    find(Subject::kStructs, name + " got an nc_message of size " + std::to_string(message->size),
         "RULE 2: size is set by whoever allocated the struct", "set .size = sizeof(nc_message)");
    return;
  }
  if (message->fds.len > NC_FDS_MAX) {
    find(Subject::kStructs, name + " got a message with " + std::to_string(message->fds.len) + " descriptors",
         "nc_fds: at most NC_FDS_MAX", "send at most 15 with a message");
  }
  if (message->body.ptr == nullptr && message->body.len > 0) {
    find(Subject::kStructs, name + " got a body with a length and no bytes", "nc_buf: ptr and len belong together",
         "set both, or neither");
  }
}

void Boundary::check_wait(const char* function) {
  const Frame* const frame = Frame::now();
  if (frame == nullptr || frame->may_wait()) return;
  find(Subject::kWaits, std::string(function) + "() was called from " + frame->function + ", which must not wait",
       "Threads: [wait] is refused from [any] code and from a FAST method",
       "do not wait there, or take NC_METHOD_FAST off the method");
}

void Boundary::check_context(const char* function, nc_context context) {
  if (context == 0) return;
  {
    const std::lock_guard lock(mutex_);
    if (contexts_.contains(context) || held_.contains(context)) return;
  }
  find(Subject::kIds, std::string(function) + "() was given a context that the plugin never had",
       "RULE 4: ids are the host's", "pass the request's context, or 0");
}

void Boundary::check_route(nc_route route) {
  {
    const std::lock_guard lock(mutex_);
    if (routes_.contains(route)) return;
  }
  find(Subject::kIds, "call() was given a route that connect() never gave", kIdsRule, "keep what connect() returned");
}

void Boundary::check_made(const char* function, nc_call call) {
  const char* wrong = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = made_.find(call);
    if (found == made_.end())
      wrong = "that it never made";
    else if (found->second.is_over)
      wrong = "that it gave back before";
  }
  if (wrong == nullptr) return;
  find(Subject::kIds, std::string(function) + "() was given a call " + wrong, kIdsRule,
       "use the id that call() returned, until drop() or until done() has returned");
}

void Boundary::check_end(const char* function, nc_call call) {
  {
    const std::lock_guard lock(mutex_);
    if (served_.contains(call) || made_.contains(call) || pipes_.contains(call)) return;
  }
  find(Subject::kIds, std::string(function) + "() was given a call that the plugin never had", kIdsRule,
       "use the request's call, or what call() returned");
}

void Boundary::check_result(const nc_result& result) {
  check_code("finish()", result.code);
  if (result.code == NC_OK) check_message("finish()", result.message);
  if (result.size < offsetof(nc_result, message) + sizeof(void*)) {
    find(Subject::kStructs, "finish() got an nc_result of size " + std::to_string(result.size),
         "RULE 2: size is set by whoever allocated the struct", "set .size = sizeof(nc_result)");
  }
}

void Boundary::check_finish(nc_call call) {
  std::string what;
  Subject subject = Subject::kFinish;
  {
    const std::lock_guard lock(mutex_);
    const auto found = served_.find(call);
    if (found == served_.end()) {
      subject = Subject::kIds;
      what = "finish() was given a call that the plugin never had";
    } else if (std::exchange(found->second.is_finished, true)) {
      what = found->second.name + " was finished twice";
    } else if (found->second.is_refused) {
      what = found->second.name + " was finished after invoke had refused it";
    }
  }
  if (what.empty()) return;
  find(subject, std::move(what), "finish: ends a call, once; never after invoke returned another code than NC_OK",
       "remember that the call is over, and finish it in one place");
}

}  // namespace novacron::boundary
