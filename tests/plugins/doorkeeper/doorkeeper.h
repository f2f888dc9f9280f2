// Admits doors: no red ones, none with locks is removed, and one without a color becomes blue.
#pragma once

#include "novacron/core/v1/admission.nc.h"
#include "novacron/sdk.h"
#include "test/doors/v1/doors.nc.h"

namespace test::doors {

namespace core = novacron::core::v1;

class Doorkeeper final : public novacron::Provides<core::AdmissionService> {
 public:
  novacron::Result<core::AdmitReply> admit(novacron::Call&, const core::AdmitRequest& request) override;
};

}  // namespace test::doors
