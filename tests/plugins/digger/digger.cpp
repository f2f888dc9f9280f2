#include "digger.h"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

namespace test::holes {

namespace {
constexpr auto kLook = std::chrono::milliseconds(20);
}  // namespace

novacron::Status Digger::configure(const Config& config) {
  journal_ = config.journal;
  return {};
}

novacron::Result<novacron::Empty> Digger::dig(novacron::Call& call, const v1::DigRequest& request) {
  return take_a_while("dig", call, request);
}

novacron::Result<novacron::Empty> Digger::blast(novacron::Call& call, const v1::DigRequest& request) {
  return take_a_while("blast", call, request);
}

novacron::Result<novacron::Empty> Digger::take_a_while(const char* verb, novacron::Call& call,
                                                       const v1::DigRequest& request) {
  const std::string name = request.object ? request.object->name : "";
  const std::string line = std::string(verb) + ' ' + name + ' ' + std::string(call.idempotency_key()) + '\n';
  std::ofstream(journal_, std::ios::app) << line << std::flush;  // one write of a line that is short: it stays whole
  while (::access((journal_ + ".go").c_str(), F_OK) != 0) {
    if (call.cancelled())
      return novacron::Error{novacron::Code::kCancelled, "nobody waits for it any more", "holes.cancelled"};
    std::this_thread::sleep_for(kLook);
  }
  return novacron::Empty();
}

}  // namespace test::holes
