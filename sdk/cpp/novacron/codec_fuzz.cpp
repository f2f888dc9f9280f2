// Messages from anybody, in a plugin's hands: refused, or encoded again to something that means the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "novacron/compute/v1/compute.nc.h"
#include "novacron/core/v1/admission.nc.h"
#include "novacron/core/v1/resource.nc.h"
#include "novacron/core/v1/state.nc.h"
#include "novacron/http/v1/http.nc.h"
#include "novacron/message.h"
#include "novacron/scheduling/v1/scheduling.nc.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

template <class M>
void check(std::string_view bytes) {
  const auto message = novacron::decode<M>(bytes);
  if (!message.ok()) return;
  const std::string encoded = novacron::encode(*message);
  const auto again = novacron::decode<M>(encoded);
  require(again.ok() && novacron::encode(*again) == encoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check<novacron::core::v1::Object>(bytes);
  check<novacron::core::v1::TxnRequest>(bytes);
  check<novacron::core::v1::AdmitRequest>(bytes);
  check<novacron::compute::v1::VirtualMachine>(bytes);
  check<novacron::compute::v1::StartRequest>(bytes);
  check<novacron::scheduling::v1::ScheduleRequest>(bytes);
  check<novacron::http::v1::HttpRequest>(bytes);
  return 0;
}
