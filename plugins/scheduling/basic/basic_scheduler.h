// The plugin: answers novacron.scheduling.v1.Scheduler with rank().
#pragma once

#include <atomic>

#include "novacron/scheduling_basic/v1/config.nc.h"
#include "novacron/sdk.h"
#include "rank.h"

namespace novacron::scheduling::basic {

class BasicScheduler final : public Provides<v1::SchedulerService> {
 public:
  using Config = scheduling_basic::v1::Config;

  Status configure(const Config& config) {
    cpu_overcommit_ = config.cpu_overcommit.value_or(Options{}.cpu_overcommit);
    return {};
  }
  Result<scheduling::v1::ScheduleReply> schedule(Call&, const scheduling::v1::ScheduleRequest& request) override {
    return rank(request, {.cpu_overcommit = cpu_overcommit_});
  }

 private:
  std::atomic<uint64_t> cpu_overcommit_{Options{}.cpu_overcommit};  // calls run beside a change of configuration
};

}  // namespace novacron::scheduling::basic
