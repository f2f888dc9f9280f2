// The ABI's lifecycle functions for a plugin class. No exception passes.
#pragma once

#include <novacron/plugin.h>

#include <array>
#include <memory>
#include <string>
#include <type_traits>

#include "novacron/plugin_class.h"

/// What the host holds: opaque to it.
struct nc_instance {
  explicit nc_instance(const nc_host* table) : host(table) {}
  virtual ~nc_instance() = default;
  novacron::Host host;
};

namespace novacron {

/// Writes the error, cut to fit, and gives its code.
nc_code report(const Status& status, nc_error* error) noexcept;
/// Runs `function`, which gives a Status; what it throws is INTERNAL.
template <class Function>
nc_code guarded(nc_error* error, Function&& function) noexcept {
  try {
    return report(function(), error);
  } catch (const std::exception& thrown) {
    return report(Error{.code = Code::kInternal, .message = thrown.what()}, error);
  } catch (...) {
    return report(Error{.code = Code::kInternal, .message = "an exception of unknown type"}, error);
  }
}
/// Runs one method; what it throws ends the call with INTERNAL.
void dispatch_guarded(Service& service, uint32_t method, Call& call) noexcept;

template <class P>
struct ServicesOf {
  using Type = ServiceList<>;
};
template <class P>
requires requires {
  typename P::Services;
}
struct ServicesOf<P> {
  using Type = typename P::Services;
};

template <class List>
struct ServiceTable;
template <class... S>
struct ServiceTable<ServiceList<S...>> {
  static constexpr size_t kCount = sizeof...(S);
  static constexpr std::array<const nc_service*, kCount + 1> kDescriptors = {&S::kDescriptor..., nullptr};
  template <class P>
  static std::array<Service*, kCount + 1> of(P& plugin) {
    return {static_cast<Service*>(static_cast<S*>(&plugin))..., nullptr};
  }
};

template <class P>
class Instance final : public nc_instance {
 public:
  using Table = ServiceTable<typename ServicesOf<P>::Type>;

  static nc_code create(const nc_host* host, const nc_buf* config, nc_instance** out, nc_error* error) noexcept {
    return guarded(error, [&]() -> Status {
      auto instance = std::make_unique<Instance>(host);
      NC_TRY_STATUS(instance->apply(config));
      *out = instance.release();
      return {};
    });
  }
  static nc_code start(nc_instance* instance, uint64_t deadline_ns, nc_error* error) noexcept {
    return control(instance, deadline_ns, error, [](P& plugin) { return plugin.start(); });
  }
  static nc_code invoke(nc_instance* instance, uint32_t service, const nc_request* request) noexcept {
    auto& self = *static_cast<Instance*>(instance);
    if (service >= Table::kCount) return NC_UNIMPLEMENTED;
    try {
      Call call(self.host.table(), *request);
      dispatch_guarded(*self.services_[service], request->method, call);
      return NC_OK;
    } catch (...) {  // no memory for the call itself: nothing has been finished
      return NC_RESOURCE_EXHAUSTED;
    }
  }
  static nc_code configure(nc_instance* instance, const nc_buf* config, nc_error* error) noexcept {
    return guarded(error, [&] { return static_cast<Instance*>(instance)->apply(config); });
  }
  static nc_code health(nc_instance* instance, nc_error* error) noexcept {
    return guarded(error, [&] { return static_cast<Instance*>(instance)->plugin_->health(); });
  }
  static nc_code quiesce(nc_instance* instance, uint64_t deadline_ns, nc_call sink, nc_error* error) noexcept {
    return control(instance, deadline_ns, error, [&](P& plugin) {
      instance->host.stop_background();
      StateSink state(Channel(instance->host.table(), sink, deadline_ns));
      return plugin.quiesce(state);
    });
  }
  static nc_code resume(nc_instance* instance, uint64_t deadline_ns, nc_error* error) noexcept {
    return control(instance, deadline_ns, error, [](P& plugin) { return plugin.resume(); });
  }
  static nc_code restore(nc_instance* instance, nc_str from_version, nc_call source, uint64_t deadline_ns,
                         nc_error* error) noexcept {
    return control(instance, deadline_ns, error, [&](P& plugin) {
      StateSource state(Channel(instance->host.table(), source, deadline_ns));
      return plugin.restore(view(from_version), state);
    });
  }
  static void destroy(nc_instance* instance) noexcept {
    const std::unique_ptr<Instance> self(static_cast<Instance*>(instance));
    guarded(nullptr, [&]() -> Status {
      self->host.stop_background();
      self->plugin_->stop();
      return {};
    });
  }
  static const void* get_extension(nc_instance*, const char*) noexcept { return nullptr; }

  explicit Instance(const nc_host* table) : nc_instance(table) {
    if constexpr (std::is_constructible_v<P, Host&>) {
      plugin_ = std::make_unique<P>(host);
    } else {
      plugin_ = std::make_unique<P>();
    }
    plugin_->attach(host);
    services_ = Table::of(*plugin_);
  }

  P& plugin() { return *plugin_; }

 private:
  template <class Function>
  static nc_code control(nc_instance* instance, uint64_t deadline_ns, nc_error* error, Function&& function) noexcept {
    P& plugin = *static_cast<Instance*>(instance)->plugin_;
    plugin.set_control_deadline_ns(deadline_ns);
    return guarded(error, [&] { return function(plugin); });
  }

  Status apply(const nc_buf* config) {
    if constexpr (requires { typename P::Config; }) {
      const std::string_view bytes =
          config == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(config->ptr), config->len);
      return plugin_->configure(NC_TRY(decode<typename P::Config>(bytes)));
    } else {
      return {};
    }
  }

  std::unique_ptr<P> plugin_;
  std::array<Service*, Table::kCount + 1> services_{};
};

/// The table of a plugin class, for a static const in its library.
template <class P>
constexpr nc_plugin plugin_table(const nc_descriptor* descriptor) {
  using I = Instance<P>;
  return {sizeof(nc_plugin), NC_ABI_MINOR, descriptor, I::create,  I::start,   I::invoke,       I::configure,
          I::health,         I::quiesce,   I::resume,  I::restore, I::destroy, I::get_extension};
}

}  // namespace novacron
