// Delivers parcels, step by step, and says what it would do.
#pragma once

#include <atomic>

#include "novacron/core/v1/planner.nc.h"
#include "novacron/http/v1/http.nc.h"
#include "novacron/operation.h"
#include "novacron/sdk.h"
#include "test/parcels/v1/parcels.nc.h"

namespace test::parcels {

namespace core = novacron::core::v1;

class Courier final
    : public novacron::Provides<v1::ParcelActionsService, core::PlannerService, novacron::http::v1::RoutesService> {
 public:
  novacron::Result<v1::DeliverReply> deliver(novacron::Call& call, const v1::DeliverRequest& request) override;
  novacron::Result<v1::DeliverReply> fetch_back(novacron::Call& call, const v1::DeliverRequest& request) override;
  novacron::Result<v1::CaravanReply> caravan(novacron::Call& call, const v1::CaravanRequest& request) override;
  novacron::Result<core::PlanReply> plan(novacron::Call& call, const core::PlanRequest& request) override;
  /// GET /ext/courier/wait?MS answers after so long, /ext/courier/waiting how many of these are under way.
  novacron::Result<novacron::http::v1::HttpResponse> handle(novacron::Call& call,
                                                            const novacron::http::v1::HttpRequest& request) override;

 private:
  std::atomic<uint32_t> waiting_ = 0;
};

}  // namespace test::parcels
