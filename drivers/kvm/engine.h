// What runs between the plugin's start and its end: connection, guests, consoles, and what the host is told of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "connection.h"
#include "disks.h"
#include "folder.h"
#include "guests.h"
#include "novacron/kvm/v1/config.nc.h"
#include "novacron/sdk.h"

namespace novacron::kvm {

/// [any] thread.
class Engine final : private ConnectionObserver, private GuestsObserver, private ImageSource {
 public:
  /// Looks whether KVM works: takes up to some seconds.
  static Result<std::unique_ptr<Engine>> create(const Host& host, const v1::Config& config);

  /// Does not wait for libvirtd.
  Status start();
  /// Idempotent; start() may follow. Guests run on.
  void stop();

  Guests& guests() { return guests_; }
  /// UNAVAILABLE until libvirtd has been reached once.
  Result<compute::v1::DriverDescription> describe() const;
  /// UNAVAILABLE while libvirtd is not there.
  Status health() const;

 private:
  Engine(const Host& host, const v1::Config& config, Folder folder, std::string accelerator);

  void connected() override;
  void disconnected(const Error& why) override;
  void guest_changed(const std::string& uid) override { guests_.refresh_known(uid); }
  void tick() override;
  void guest_changed(const GuestChange& change) override;
  void console_input_failed(const std::string& uid, const Error& why) override;
  Result<Image> open(const std::string& digest) override;

  void post_publish(uint64_t delay_ns);
  void publish();

  const Host& host_;
  const uint64_t reserved_memory_bytes_;
  const std::string accelerator_;
  const Folder folder_;
  Connection connection_;
  Guests guests_;
  mutable std::mutex mutex_;  // guards the one below
  std::optional<compute::v1::DriverDescription> description_;
  std::atomic<bool> publish_posted_ = false;
};

}  // namespace novacron::kvm
