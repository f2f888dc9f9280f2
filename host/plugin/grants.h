// Permissions compared.
#pragma once

#include <string>
#include <vector>

#include "host/plugin/manifest.h"

namespace novacron::host::plugin {

/// What `asked` has that `granted` has not, each as "call example.v1.Greeter". A pattern or prefix counts as had only
/// where it is there in the same words.
std::vector<std::string> beyond(const Permissions& asked, const Permissions& granted);

}  // namespace novacron::host::plugin
