#include "host/base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace novacron::host {
namespace {

class SystemRandom final : public Random {
 public:
  void fill(void* out, size_t length) override {
    auto* at = static_cast<unsigned char*>(out);
    while (length > 0) {
      const ssize_t got = ::getrandom(at, length, 0);
      assert(got > 0 || errno == EINTR);
      if (got <= 0) continue;
      at += got;
      length -= static_cast<size_t>(got);
    }
  }
};

}  // namespace

Random& system_random() {
  static SystemRandom& random = *new SystemRandom;  // never destroyed: threads may outlive main()
  return random;
}

}  // namespace novacron::host
