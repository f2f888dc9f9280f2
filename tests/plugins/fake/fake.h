// The plugin: guests in a table, on every node that the host knows.
#pragma once

#include <memory>

#include "guests.h"
#include "novacron/fake/v1/config.nc.h"
#include "novacron/sdk.h"
#include "offers.h"

namespace novacron::fake {

class Fake final : public Provides<compute::v1::DriverService> {
 public:
  using Config = v1::Config;
  static constexpr uint32_t kFlags = NC_PLUGIN_REENTRANT;

  Status configure(const Config& config);
  Status start() override;
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
  Result<compute::v1::GuestStats> stats(Call& call, const compute::v1::GuestRequest& request) override;

 private:
  using State = compute::v1::GuestStatus::State;
  Result<compute::v1::GuestStatus> turn(Call& call, const std::string& uid, uint64_t fence, State to);
  /// Tells of a change, if it is one.
  Result<compute::v1::GuestStatus> told(Result<Guests::Change> change);

  Config config_;
  std::unique_ptr<Guests> guests_;
  std::unique_ptr<Offers> offers_;
};

}  // namespace novacron::fake
