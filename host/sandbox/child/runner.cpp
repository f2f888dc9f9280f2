#include "host/sandbox/child/runner.h"

#include <dlfcn.h>

#include <cstring>
#include <exception>

namespace novacron::host::sandbox {
namespace {

constexpr const char* kEntry = "novacron_plugin_entry_v1";

Out returned(nc_code code, std::string_view text) {
  Out out;
  out.writer.number(code);
  out.writer.text(text);
  out.writer.number(uint8_t{0});
  return out;
}

Out threw(std::string_view what) {
  Out out;
  out.writer.number(nc_code{NC_INTERNAL});
  out.writer.text("");
  out.writer.number(uint8_t{1});
  out.writer.text(what);
  return out;
}

template <class Kept>
Kept* kept_of(In& in) {
  return reinterpret_cast<Kept*>(in.reader.number<uint64_t>());
}

uint32_t bits_of(const nc_plugin& plugin) {
  uint32_t bits = 0;
  if (NC_CAN(&plugin, create)) bits |= kHasCreate;
  if (NC_CAN(&plugin, invoke)) bits |= kHasInvoke;
  if (NC_CAN(&plugin, destroy)) bits |= kHasDestroy;
  if (NC_CAN(&plugin, start)) bits |= kHasStart;
  if (NC_CAN(&plugin, configure)) bits |= kHasConfigure;
  if (NC_CAN(&plugin, health)) bits |= kHasHealth;
  if (NC_CAN(&plugin, quiesce)) bits |= kHasQuiesce;
  if (NC_CAN(&plugin, resume)) bits |= kHasResume;
  if (NC_CAN(&plugin, restore)) bits |= kHasRestore;
  return bits;
}

void put_descriptor(Out& out, const nc_descriptor* descriptor) {
  out.writer.number(static_cast<uint8_t>(descriptor != nullptr));
  if (!descriptor) return;
  const bool whole = NC_HAS(descriptor, contracts_sha256);
  out.writer.number(descriptor->size);
  out.writer.number(whole ? descriptor->flags : 0u);
  for (const nc_str* text :
       {&descriptor->id, &descriptor->version, &descriptor->vendor, &descriptor->contracts_sha256}) {
    out.writer.text(whole ? view(*text) : std::string_view());
  }
  const size_t count = whole ? descriptor->services_len : 0;
  out.writer.number(static_cast<uint32_t>(count));
  for (size_t i = 0; i < count; ++i) put_service(out, descriptor->services[i]);
}

}  // namespace

Out Runner::enter(EnterOp op, In& in) {
  try {
    if (op == EnterOp::kLoad) return load();
    nc_error error{};
    const nc_code code = run(op, in, error);
    return returned(code, std::string_view(error.text, ::strnlen(error.text, sizeof(error.text))));
  } catch (const std::exception& thrown) {
    return threw(thrown.what());
  } catch (...) {
    return threw("no std::exception");
  }
}

Result<void*> Runner::open() {
  void* const handle = ::dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) return Error{Code::kFailedPrecondition, ::dlerror(), "plugin.load-failed"};
  void* const entry = ::dlsym(handle, kEntry);
  if (!entry) return Error{Code::kFailedPrecondition, ::dlerror(), "plugin.load-failed"};
  return entry;
}

Out Runner::load() {
  const auto entry = open();
  if (!entry.ok()) return returned(NC_FAILED_PRECONDITION, entry.error().message);
  const auto function = reinterpret_cast<decltype(&novacron_plugin_entry_v1)>(*entry);
  plugin_ = function(NC_ABI_MINOR, sizeof(nc_host));
  if (!plugin_) return returned(NC_FAILED_PRECONDITION, "its entry says that it cannot run on this host");
  const nc_descriptor* descriptor = plugin_->descriptor;
  if (descriptor && NC_HAS(descriptor, contracts_sha256) && descriptor->services_len > 0 && !descriptor->services) {
    return returned(NC_FAILED_PRECONDITION, "it has services, but no table of them");
  }
  Out out;
  out.writer.number(nc_code{NC_OK});
  out.writer.text("");
  out.writer.number(bits_of(*plugin_));
  put_descriptor(out, descriptor);
  return out;
}

nc_code Runner::create(In& in, nc_error& error) {
  const nc_buf config = get_buffer(in);
  return plugin_->create(host_.get(), &config, &instance_, &error);
}

nc_code Runner::invoke(In& in) {
  const auto service = in.reader.number<uint32_t>();
  RequestIn request = get_request(in);
  request.abi.message = request.message.get();
  host_.began(request.abi);
  const nc_call call = request.abi.call;
  nc_code code = NC_INTERNAL;
  try {
    code = plugin_->invoke(instance_, service, &request.abi);
  } catch (...) {
    host_.ended(call);
    throw;
  }
  if (code != NC_OK) host_.ended(call);
  return code;
}

nc_code Runner::run(EnterOp op, In& in, nc_error& error) {
  if (!plugin_) return NC_FAILED_PRECONDITION;
  switch (op) {
    case EnterOp::kCreate:
      return create(in, error);
    case EnterOp::kStart:
      return plugin_->start(instance_, in.reader.number<uint64_t>(), &error);
    case EnterOp::kInvoke:
      return invoke(in);
    case EnterOp::kConfigure: {
      const nc_buf config = get_buffer(in);
      return plugin_->configure(instance_, &config, &error);
    }
    case EnterOp::kHealth:
      return plugin_->health(instance_, &error);
    case EnterOp::kDestroy:
      plugin_->destroy(instance_);
      return NC_OK;
    default:
      return run_more(op, in, error);
  }
}

nc_code Runner::run_more(EnterOp op, In& in, nc_error& error) {
  switch (op) {
    case EnterOp::kQuiesce: {
      const auto deadline_ns = in.reader.number<uint64_t>();
      return plugin_->quiesce(instance_, deadline_ns, in.reader.number<nc_call>(), &error);
    }
    case EnterOp::kResume:
      return plugin_->resume(instance_, in.reader.number<uint64_t>(), &error);
    case EnterOp::kRestore: {
      const nc_str from_version = get_text(in);
      const auto source = in.reader.number<nc_call>();
      return plugin_->restore(instance_, from_version, source, in.reader.number<uint64_t>(), &error);
    }
    case EnterOp::kDone:
      return done(in), NC_OK;
    case EnterOp::kEvents:
      return events(in), NC_OK;
    case EnterOp::kOnEnd: {
      const std::unique_ptr<HostTable::Subscription> kept(kept_of<HostTable::Subscription>(in));
      kept->on_end(kept->ctx, in.reader.number<nc_code>());
      return NC_OK;
    }
    case EnterOp::kRun: {
      const std::unique_ptr<HostTable::Task> kept(kept_of<HostTable::Task>(in));
      kept->run(kept->ctx, in.reader.number<nc_code>());
      return NC_OK;
    }
    default:
      return NC_UNIMPLEMENTED;
  }
}

void Runner::done(In& in) {
  const std::unique_ptr<HostTable::Completion> kept(kept_of<HostTable::Completion>(in));
  const auto call = in.reader.number<nc_call>();
  ResultIn result = get_result(in);
  result.abi.message = result.message.get();
  kept->done(kept->ctx, call, &result.abi);
}

void Runner::events(In& in) {
  const auto* const kept = kept_of<HostTable::Subscription>(in);
  std::vector<nc_event> events(in.reader.count(1));
  std::vector<const nc_event*> pointers;
  for (nc_event& event : events) {
    event = get_event(in);
    pointers.push_back(&event);
  }
  kept->on_events(kept->ctx, pointers.data(), pointers.size());
}

}  // namespace novacron::host::sandbox
