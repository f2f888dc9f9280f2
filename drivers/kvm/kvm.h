// The driver plugin: virtual machines by libvirt, as novacron.compute.v1.Driver.
#pragma once

#include <memory>

#include "novacron/compute/v1/compute.nc.h"
#include "novacron/kvm/v1/config.nc.h"
#include "novacron/sdk.h"

namespace novacron::kvm {

class Engine;

/// Reentrant: calls about different guests run beside each other.
class Kvm final : public Provides<compute::v1::DriverService> {
 public:
  using Config = v1::Config;
  static constexpr uint32_t kFlags = NC_PLUGIN_REENTRANT;

  Kvm();
  ~Kvm() override;

  /// Before start() only: what runs goes on with what it began with.
  Status configure(const Config& config);
  Status start() override;
  Status health() override;
  Status quiesce(StateSink& sink) override;
  Status resume() override;
  void stop() override;

  Result<compute::v1::DriverDescription> describe(Call& call, const Empty& request) override;
  Result<compute::v1::GuestStatus> start(Call& call, const compute::v1::StartRequest& request) override;
  Result<compute::v1::GuestStatus> stop(Call& call, const compute::v1::StopRequest& request) override;
  Result<compute::v1::GuestStatus> pause(Call& call, const compute::v1::GuestRequest& request) override;
  Result<compute::v1::GuestStatus> resume(Call& call, const compute::v1::GuestRequest& request) override;
  Result<compute::v1::GuestStatus> delete_(Call& call, const compute::v1::GuestRequest& request) override;
  Result<compute::v1::GuestStatus> get(Call& call, const compute::v1::GuestRequest& request) override;
  Result<compute::v1::ListGuestsReply> list(Call& call, const Empty& request) override;
  Status watch(Call& call, const Empty& request, Writer<compute::v1::GuestStatus>& replies) override;
  Result<compute::v1::GuestStats> stats(Call& call, const compute::v1::GuestRequest& request) override;
  Result<compute::v1::ConsoleReply> console(Call& call, const compute::v1::GuestRequest& request) override;

 private:
  Config config_;
  std::unique_ptr<Engine> engine_;  // from start() until no call is left
};

}  // namespace novacron::kvm
