// Sockets that whoever started the process listens on already, by systemd's protocol: sd_listen_fds(3).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/base/fd.h"
#include "host/base/result.h"

namespace novacron::host::daemon {

inline constexpr int kMaxInherited = 64;
inline constexpr int kFirstInherited = 3;  ///< descriptors follow each other from here on

struct Inherited {
  Fd socket;
  std::string name;  ///< as $LISTEN_FDNAMES has it; else "unknown"
};

/// Those that are meant for process `pid`, closed on exec. None when `variable` ("" for one that is not set) says of
/// none, or of another process's. INVALID_ARGUMENT "daemon.listen-fds" for numbers that are none or too many, and for
/// descriptors that are not open.
Result<std::vector<Inherited>> inherited_sockets(const std::function<std::string(const char*)>& variable, int pid);

/// The same of this process, whose children shall not take them for theirs: the variables are unset. Before threads
/// start.
Result<std::vector<Inherited>> take_inherited_sockets();

}  // namespace novacron::host::daemon
