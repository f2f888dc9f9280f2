#include "sdk/validate/replay_host.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "sdk/boundary/frame.h"

namespace novacron::validate {
namespace {

using boundary::Record;

nc_str str(const std::string& text) {
  return {text.data(), text.size()};
}

}  // namespace

uint64_t id_in(const Record& record, std::string_view field) {
  const std::string name = record.text(field);
  const size_t dash = name.rfind('-');
  uint64_t id = 0;
  if (dash != std::string::npos) std::from_chars(name.data() + dash + 1, name.data() + name.size(), id);
  return id;
}

ReplayedMessage::ReplayedMessage(const Record& record) : body_(record.text("body")) {
  has_message_ = record.find("flags") != nullptr;
  raw_.size = sizeof(raw_);
  raw_.flags = static_cast<uint32_t>(record.number("flags"));
  if (record.find("body") != nullptr) raw_.body = {body_.data(), body_.size(), nullptr, nullptr};
  const uint64_t fds = std::min<uint64_t>(record.number("fds"), NC_FDS_MAX);
  for (uint64_t i = 0; i < fds; ++i) {
    const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd >= 0) raw_.fds.fd[raw_.fds.len++] = fd;
  }
}

ReplayedResult::ReplayedResult(const Record& record)
    : message_(record), reason_(record.text("reason")), text_(record.text("text")), detail_(record.text("detail")) {
  raw_.size = sizeof(raw_);
  raw_.code = static_cast<nc_code>(record.number("code"));
  raw_.message = message_.raw();
  raw_.reason = str(reason_);
  raw_.text = str(text_);
  raw_.detail = {detail_.data(), detail_.size(), nullptr, nullptr};
  raw_.retry_after_ns = record.number("retry_after_ns");
}

const Record* ReplayHost::next(const char* at) {
  const uint64_t lane = boundary::Frame::lane_now();
  const std::lock_guard lock(mutex_);
  auto& records = lanes_[lane];
  if (lane == 0) {
    // Threads of the plugin's own: whichever comes is given the first of its kind.
    const auto found =
        std::find_if(records.begin(), records.end(), [&](const Record* record) { return record->at == at; });
    if (found == records.end()) return nullptr;
    const Record* const record = *found;
    records.erase(found);
    return record;
  }
  size_t& position = at_[lane];
  if (position >= records.size() || records[position]->at != at) return nullptr;
  return records[position++];
}

nc_code ReplayHost::code_of(const char* at) {
  const Record* const record = next(at);
  return record == nullptr ? NC_CANCELLED : static_cast<nc_code>(record->number("returned"));
}

template <class T>
const T& ReplayHost::keep(std::unique_ptr<T> value, std::vector<std::unique_ptr<T>>& kept) {
  const std::lock_guard lock(mutex_);
  kept.push_back(std::move(value));
  return *kept.back();
}

/// One function for each of nc_host; `self` is the ReplayHost.
struct ReplayTable {
  static ReplayHost& at(void* self) { return *static_cast<ReplayHost*>(self); }

  static const void* get_extension(void* self, const char*) { return at(self).next("host.get_extension"), nullptr; }
  static void log(void* self, int32_t, nc_str, const nc_field* const*, size_t) { at(self).next("host.log"); }
  static void fatal(void* self, nc_str) { at(self).next("host.fatal"); }
  static uint64_t now(void* self, int32_t) {
    const Record* const record = at(self).next("host.now");
    return record == nullptr ? 0 : record->number("returned");
  }
  static void random(void* self, void* out, size_t length) {
    const Record* const record = at(self).next("host.random");
    const std::string bytes = record == nullptr ? "" : record->text("out");
    std::memset(out, 0, length);
    std::memcpy(out, bytes.data(), std::min(length, bytes.size()));
  }
  static uint64_t id(ReplayHost& host, const char* function) {
    const Record* const record = host.next(function);
    return record == nullptr ? 0 : id_in(*record, "returned");
  }
  static nc_route connect(void* self, const nc_service*, const nc_target*) { return id(at(self), "host.connect"); }
  static nc_call call(void* self, nc_route, const nc_request*, void* ctx,
                      void (*done)(void*, nc_call, const nc_result*)) {
    const nc_call made = id(at(self), "host.call");
    const std::lock_guard lock(at(self).mutex_);
    if (done != nullptr) at(self).completions_[made] = {ctx, done};
    return made;
  }
  static nc_code wait(void* self, nc_call, uint64_t, const nc_result** result) {
    const Record* const record = at(self).next("host.wait");
    if (record == nullptr) return NC_CANCELLED;
    const auto code = static_cast<nc_code>(record->number("returned"));
    if (code == NC_OK) *result = &at(self).keep(std::make_unique<ReplayedResult>(*record), at(self).results_).raw();
    return code;
  }
  static void cancel(void* self, nc_call) { at(self).next("host.cancel"); }
  static void drop(void* self, nc_call) { at(self).next("host.drop"); }
  static nc_code write(void* self, nc_call, const nc_message* message, uint64_t) {
    let_go(message);
    return at(self).code_of("host.write");
  }
  static nc_code read(void* self, nc_call, nc_message* message, uint64_t) {
    const Record* const record = at(self).next("host.read");
    if (record == nullptr) return NC_CANCELLED;
    const auto code = static_cast<nc_code>(record->number("returned"));
    if (code != NC_OK) return code;
    const nc_message* const got = at(self).keep(std::make_unique<ReplayedMessage>(*record), at(self).messages_).raw();
    if (got == nullptr) return code;
    message->flags = got->flags;
    message->body = got->body;
    message->fds = got->fds;
    return code;
  }
  /// What is given to a host is the host's to close and to release.
  static void let_go(const nc_message* message) {
    if (message == nullptr) return;
    if (message->body.release != nullptr)
      message->body.release(message->body.owner, message->body.ptr, message->body.len);
    for (uint32_t i = 0; i < message->fds.len && i < NC_FDS_MAX; ++i) ::close(message->fds.fd[i]);
  }
  static nc_code finish(void* self, nc_call, const nc_result* result) {
    let_go(result->message);
    return at(self).code_of("host.finish");
  }
  static int32_t cancelled(void* self, nc_call) {
    const Record* const record = at(self).next("host.cancelled");
    return record == nullptr ? 1 : static_cast<int32_t>(record->number("returned"));
  }
  static nc_code context_info(void* self, nc_context, nc_caller* out) {
    const Record* const record = at(self).next("host.context_info");
    if (record == nullptr) return NC_UNAUTHENTICATED;
    const auto text = [&](const char* field) {
      return str(at(self).keep(std::make_unique<std::string>(record->text(field)), at(self).texts_));
    };
    out->flags = 0;
    out->principal = text("principal");
    out->tenant = text("tenant");
    out->plugin = text("plugin");
    out->node = text("node");
    out->trace_parent = text("trace_parent");
    return static_cast<nc_code>(record->number("returned"));
  }
  static nc_context context_hold(void* self, nc_context, uint64_t) { return id(at(self), "host.context_hold"); }
  static void context_drop(void* self, nc_context) { at(self).next("host.context_drop"); }
  static nc_code publish(void* self, nc_context, const nc_event* event) {
    if (event->body.release != nullptr) event->body.release(event->body.owner, event->body.ptr, event->body.len);
    return at(self).code_of("host.publish");
  }
  static nc_subscription subscribe(void* self, nc_context, const nc_interest* interest) {
    const Record* const record = at(self).next("host.subscribe");
    if (record == nullptr) return 0;
    const std::lock_guard lock(at(self).mutex_);
    at(self).interests_[id_in(*record, "listener")] = *interest;
    return id_in(*record, "returned");
  }
  static void unsubscribe(void* self, nc_subscription) { at(self).next("host.unsubscribe"); }
  static nc_timer post(void* self, const nc_task* task) {
    const Record* const record = at(self).next("host.post");
    if (record == nullptr) return 0;
    const std::lock_guard lock(at(self).mutex_);
    at(self).tasks_[id_in(*record, "timing")] = *task;
    return id_in(*record, "returned");
  }
  static void unpost(void* self, nc_timer) { at(self).next("host.unpost"); }
};

ReplayHost::ReplayHost(const std::vector<Record>& recorded) {
  for (const Record& record : recorded) {
    if (record.at.starts_with("host.")) lanes_[record.lane].push_back(&record);
  }
  using T = ReplayTable;
  table_ = {sizeof(table_),  NC_ABI_MINOR,    this,       T::get_extension, T::log,         T::now,
            T::random,       T::fatal,        T::connect, T::call,          T::wait,        T::cancel,
            T::drop,         T::write,        T::read,    T::finish,        T::cancelled,   T::context_info,
            T::context_hold, T::context_drop, T::publish, T::subscribe,     T::unsubscribe, T::post,
            T::unpost};
}

ReplayHost::Completion ReplayHost::completion(nc_call call) const {
  const std::lock_guard lock(mutex_);
  const auto found = completions_.find(call);
  return found == completions_.end() ? Completion() : found->second;
}

nc_interest ReplayHost::interest(uint64_t listener) const {
  const std::lock_guard lock(mutex_);
  const auto found = interests_.find(listener);
  return found == interests_.end() ? nc_interest() : found->second;
}

nc_task ReplayHost::task(uint64_t timing) const {
  const std::lock_guard lock(mutex_);
  const auto found = tasks_.find(timing);
  return found == tasks_.end() ? nc_task() : found->second;
}

}  // namespace novacron::validate
