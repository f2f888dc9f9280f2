// Delivers parcels, step by step, and says what it would do.
#pragma once

#include "novacron/core/v1/planner.nc.h"
#include "novacron/operation.h"
#include "novacron/sdk.h"
#include "test/parcels/v1/parcels.nc.h"

namespace test::parcels {

namespace core = novacron::core::v1;

class Courier final : public novacron::Provides<v1::ParcelActionsService, core::PlannerService> {
 public:
  novacron::Result<v1::DeliverReply> deliver(novacron::Call& call, const v1::DeliverRequest& request) override;
  novacron::Result<v1::DeliverReply> fetch_back(novacron::Call& call, const v1::DeliverRequest& request) override;
  novacron::Result<v1::CaravanReply> caravan(novacron::Call& call, const v1::CaravanRequest& request) override;
  novacron::Result<core::PlanReply> plan(novacron::Call& call, const core::PlanRequest& request) override;
};

}  // namespace test::parcels
