#include "sdk/boundary/boundary.h"

#include <cstring>

#include "sdk/boundary/frame.h"
#include "sdk/boundary/host_side.h"

namespace novacron::boundary {
namespace {

std::string text_of(nc_str text) {
  return {text.ptr, text.len};
}

// Calls that are over and whose ids are still known.
constexpr size_t kMaxRemembered = 256;

}  // namespace

Boundary::Boundary(const nc_plugin* plugin, const nc_host* host, Options options)
    : plugin_(plugin), host_(host), options_(std::move(options)), plain_table_(host_table(this, host)) {
  table_ = &plain_table_;
  if (options_.memory == nullptr) return;
  auto* const lent = options_.memory->lend(&plain_table_, plain_table_.size, "the host's table");
  if (lent == nullptr) return;
  options_.memory->seal(lent);
  table_ = static_cast<const nc_host*>(lent);
}

Boundary::~Boundary() {
  if (table_ != &plain_table_) options_.memory->end(table_);
}

std::unique_lock<std::recursive_mutex> Boundary::hold_slot() const {
  if (options_.slot == nullptr) return {};
  return std::unique_lock(*options_.slot);
}

// With the lock held. What is over is remembered for a while only: ids grow, so the lowest are the oldest.
void Boundary::forget_old_calls() {
  while (served_.size() > kMaxRemembered &&
         (served_.begin()->second.is_finished || served_.begin()->second.is_refused)) {
    served_.erase(served_.begin());
  }
  while (made_.size() > kMaxRemembered && made_.begin()->second.is_over) made_.erase(made_.begin());
}

void Boundary::find(Subject subject, std::string what, const char* rule, const char* instead) {
  if (options_.findings != nullptr) options_.findings->add({subject, std::move(what), rule, instead});
}

template <class Function>
nc_code Boundary::control(const char* name, Entry& first, nc_error* error, Function&& function) {
  const uint64_t lane = begin([&](uint64_t number) { first.number("lane_of", number).commit(); });
  nc_error zeroed{};
  auto* lent = options_.memory == nullptr
                   ? nullptr
                   : static_cast<nc_error*>(options_.memory->lend(&zeroed, sizeof(zeroed), "an nc_error"));
  nc_error* const given = lent == nullptr ? &zeroed : lent;
  const Frame frame(name, Frame::Wait::kMay, lane);
  const nc_code code = function(given);
  entry((std::string(name) + ".end").c_str(), lane).code(code);
  check_code(name, code);
  check_error(name, *given);
  *error = *given;
  error->text[sizeof(error->text) - 1] = '\0';
  if (lent != nullptr) options_.memory->end(lent);
  return code;
}

nc_code Boundary::create(const nc_buf* config, nc_error* error) {
  const nc_code code =
      control("create", entry("create", 0).bytes("config", config->ptr, config->len), error, [&](nc_error* given) {
        Loan loan(options_.memory);
        return plugin_->create(table_, loan.buffer(config, "the configuration"), &instance_, given);
      });
  if (code != NC_OK) instance_ = nullptr;
  if (code == NC_OK && instance_ == nullptr) {
    find(Subject::kStructs, "create succeeded and gave no instance", "create: out is the instance", "set *out");
  }
  return code;
}

nc_code Boundary::start(uint64_t deadline_ns, nc_error* error) {
  if (!NC_CAN(plugin_, start)) return NC_OK;
  return control("start", entry("start", 0).number("deadline_ns", deadline_ns), error,
                 [&](nc_error* given) { return plugin_->start(instance_, deadline_ns, given); });
}

nc_code Boundary::configure(const nc_buf* config, nc_error* error) {
  if (!NC_CAN(plugin_, configure)) return NC_UNIMPLEMENTED;
  return control("configure", entry("configure", 0).bytes("config", config->ptr, config->len), error,
                 [&](nc_error* given) {
                   Loan loan(options_.memory);
                   return plugin_->configure(instance_, loan.buffer(config, "the configuration"), given);
                 });
}

nc_code Boundary::health(nc_error* error) {
  if (!NC_CAN(plugin_, health)) return NC_OK;
  const uint64_t lane = begin([this](uint64_t number) { entry("health", 0).number("lane_of", number); });
  const Frame frame("health", Frame::Wait::kMustNot, lane);
  const nc_code code = plugin_->health(instance_, error);
  check_code("health", code);
  check_error("health", *error);
  entry("health.end", lane).code(code);
  return code;
}

nc_code Boundary::quiesce(uint64_t deadline_ns, nc_call sink, nc_error* error) {
  if (!NC_CAN(plugin_, quiesce)) return NC_OK;
  {
    const std::lock_guard lock(mutex_);
    pipes_.insert(sink);
  }
  return control("quiesce", entry("quiesce", 0).number("deadline_ns", deadline_ns).id("sink", "call", sink), error,
                 [&](nc_error* given) { return plugin_->quiesce(instance_, deadline_ns, sink, given); });
}

nc_code Boundary::resume(uint64_t deadline_ns, nc_error* error) {
  if (!NC_CAN(plugin_, resume)) return NC_OK;
  return control("resume", entry("resume", 0).number("deadline_ns", deadline_ns), error,
                 [&](nc_error* given) { return plugin_->resume(instance_, deadline_ns, given); });
}

nc_code Boundary::restore(nc_str from_version, nc_call source, uint64_t deadline_ns, nc_error* error) {
  if (!NC_CAN(plugin_, restore)) return NC_FAILED_PRECONDITION;
  {
    const std::lock_guard lock(mutex_);
    pipes_.insert(source);
  }
  return control("restore",
                 entry("restore", 0)
                     .text("from_version", from_version)
                     .id("source", "call", source)
                     .number("deadline_ns", deadline_ns),
                 error, [&](nc_error* given) {
                   Loan loan(options_.memory);
                   return plugin_->restore(instance_, loan.text(from_version, "the version before"), source,
                                           deadline_ns, given);
                 });
}

void Boundary::destroy() {
  if (instance_ == nullptr) return;
  const uint64_t lane = begin([this](uint64_t number) { entry("destroy", 0).number("lane_of", number); });
  {
    const Frame frame("destroy", Frame::Wait::kMay, lane);
    plugin_->destroy(instance_);
  }
  instance_ = nullptr;
  entry("destroy.end", lane);
}

std::string Boundary::method_name(uint32_t service, uint32_t method) const {
  const nc_descriptor& descriptor = *plugin_->descriptor;
  if (service >= descriptor.services_len) return "service " + std::to_string(service);
  const nc_service& offered = *descriptor.services[service];
  if (method >= offered.methods_len) return text_of(offered.name) + "/" + std::to_string(method);
  return text_of(offered.name) + "/" + text_of(offered.methods[method]->name);
}

bool Boundary::is_fast(uint32_t service, uint32_t method) const {
  const nc_descriptor& descriptor = *plugin_->descriptor;
  if (service >= descriptor.services_len || method >= descriptor.services[service]->methods_len) return false;
  return (descriptor.services[service]->methods[method]->flags & NC_METHOD_FAST) != 0;
}

void Boundary::note_invoke(uint64_t lane, uint32_t service, const nc_request& request) {
  const std::string name = method_name(service, request.method);
  entry("invoke", 0)
      .bytes("name", name.data(), name.size())
      .number("lane_of", lane)
      .number("service", service)
      .number("method", request.method)
      .id("call", "call", request.call)
      .id("context", "context", request.context)
      .number("deadline_ns", request.deadline_ns)
      .message("", request.message)
      .text("idempotency_key", request.idempotency_key)
      .text("node", NC_HAS(&request, node) ? request.node : nc_str{"", 0});
}

nc_code Boundary::invoke(uint32_t service, const nc_request* request) {
  const nc_call call = request->call;
  const uint64_t lane = begin([&](uint64_t number) { note_invoke(number, service, *request); });
  {
    const std::lock_guard lock(mutex_);
    served_.try_emplace(call, Served{.name = method_name(service, request->method)});
    remember(contexts_, request->context);
    forget_old_calls();
  }
  nc_code code = NC_OK;
  {
    Loan loan(options_.memory);
    const Frame frame("a FAST method", is_fast(service, request->method) ? Frame::Wait::kMustNot : Frame::Wait::kMay,
                      lane);
    code = plugin_->invoke(instance_, service, loan.request(request));
  }
  entry("invoke.end", lane).code(code);
  after_invoke(call, code);
  return code;
}

void Boundary::after_invoke(nc_call call, nc_code code) {
  check_code("invoke", code);
  if (code == NC_OK) return;
  std::string twice;
  {
    const std::lock_guard lock(mutex_);
    Served& served = served_[call];
    served.is_refused = true;
    if (served.is_finished) twice = served.name;
  }
  if (twice.empty()) return;
  find(Subject::kFinish, twice + " was finished, and invoke returned code " + std::to_string(code) + " besides",
       "invoke: NC_OK: finish() came or will come; otherwise finish() must not be called",
       "return NC_OK when you have called finish()");
}

uint64_t Boundary::lanes() const {
  const std::lock_guard lock(lanes_mutex_);
  return lanes_;
}

uint64_t Boundary::calls_made() const {
  const std::lock_guard lock(mutex_);
  return calls_made_;
}

size_t Boundary::open_calls() const {
  const std::lock_guard lock(mutex_);
  size_t open = 0;
  for (const auto& [call, served] : served_) open += !served.is_finished && !served.is_refused ? 1 : 0;
  for (const auto& [call, made] : made_) open += made.has_done && !made.is_over ? 1 : 0;
  return open;
}

void Boundary::check_ended() {
  std::vector<std::string> unfinished, kept;
  size_t held = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [call, served] : served_) {
      if (!served.is_finished && !served.is_refused) unfinished.push_back(served.name);
    }
    for (const auto& [call, made] : made_) {
      if (!made.is_over && !made.has_done) kept.push_back("a call");
    }
    held = held_.size();
  }
  for (const std::string& name : unfinished) {
    find(Subject::kFinish, name + " was never finished", "invoke: NC_OK: finish() came or will come",
         "call finish() once for every call that invoke took, cancelled ones too");
  }
  if (!kept.empty()) {
    find(Subject::kIds, std::to_string(kept.size()) + " calls that the plugin made were never given back",
         "call: done == NULL: use wait(), then drop()", "drop() each call that was made without a done");
  }
  if (held > 0) {
    find(Subject::kIds, std::to_string(held) + " held contexts were never given back",
         "context_drop: gives a held context back", "drop what context_hold() gave");
  }
}

}  // namespace novacron::boundary
