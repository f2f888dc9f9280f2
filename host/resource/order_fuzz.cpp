// The order of a list from anybody, up to the first line's end, and two objects to put in it: whatever they are, one is
// before the other, and never both.
#include "host/resource/order.h"

#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "host/contract/message.h"
#include "host/contract/schema.h"

using namespace novacron::host;
using namespace novacron::host::resource;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

Order::Rank rank_of(const Order& order, const contract::Kind& kind, std::string_view bytes, std::string key) {
  const auto object = contract::parse_message(*kind.message, bytes);
  return order.rank_of(object.ok() ? **object : *kind.message->prototype, std::move(key));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto quiet = google::protobuf::SetLogHandler(nullptr);  // texts that are no UTF-8 are many
  (void)quiet;
  static const auto schema = contract::core_schema();
  const contract::Kind& kind = *schema->find_kind("novacron.core/Operation");
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(input.find('\n'), input.size());
  const auto order = Order::parse(*kind.message, input.substr(0, line));
  if (!order.ok()) {
    require(order.error().reason == "order.invalid");
    return 0;
  }
  const std::string_view objects = input.substr(std::min(line + 1, input.size()));
  const auto a = rank_of(*order, kind, objects.substr(0, objects.size() / 2), "a");
  const auto b = rank_of(*order, kind, objects.substr(objects.size() / 2), "b");
  require(order->before(a, b) != order->before(b, a));
  require(!order->before(a, a) && !order->before(b, b));
  return 0;
}
