// Which descriptors may go into a sandbox.
#pragma once

#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::sandbox {

/// Streams, files, pipes and memfds may. What opens more of the machine than itself may not: directories, O_PATH,
/// namespaces, sockets that listen.
bool may_enter(int fd);
bool may_enter(const nc_fds& fds);
/// Closes all and forgets them.
void close_all(nc_fds& fds);

}  // namespace novacron::host::sandbox
