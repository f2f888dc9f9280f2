// The host's table as a plugin behind a Boundary sees it.
#pragma once

#include <novacron/plugin.h>

namespace novacron::boundary {

class Boundary;

/// As long as the host's own table, which may be shorter than the one that this code knows.
nc_host host_table(Boundary* boundary, const nc_host* host);

}  // namespace novacron::boundary
