// novacron_load_plugin <plugin.so> <request bytes>: loads a plugin, calls the first method of its first service, and
// prints the reply's bytes. For tests of plugins that are built elsewhere.
#include <iostream>

#include "novacron/testing/host.h"

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: novacron_load_plugin <plugin.so> <request bytes>\n", 2;
  novacron::testing::Host host;
  const auto plugin = host.open(argv[1]);
  if (!plugin.ok()) return std::cerr << plugin.error().message << '\n', 1;
  const auto route = host.client().connect(*(*plugin)->table().descriptor->services[0], {});
  auto call = novacron::open_call(route, 0, std::string(argv[2]), {});
  const auto reply = call.wait();
  if (!reply.ok()) return std::cerr << reply.error().message << '\n', 1;
  std::cout << *reply << '\n';
  return 0;
}
