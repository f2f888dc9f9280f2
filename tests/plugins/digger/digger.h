// Digs holes: each call is written down, and then takes as long as the test wants.
#pragma once

#include <string>

#include "novacron/sdk.h"
#include "test/holes/v1/holes.nc.h"

namespace test::holes {

class Digger final : public novacron::Provides<v1::HoleActionsService> {
 public:
  using Config = v1::Config;
  static constexpr uint32_t kFlags = NC_PLUGIN_REENTRANT;

  novacron::Status configure(const Config& config);
  novacron::Result<novacron::Empty> dig(novacron::Call& call, const v1::DigRequest& request) override;
  novacron::Result<novacron::Empty> blast(novacron::Call& call, const v1::DigRequest& request) override;

 private:
  novacron::Result<novacron::Empty> take_a_while(const char* verb, novacron::Call& call, const v1::DigRequest& request);
  std::string journal_;
};

}  // namespace test::holes
