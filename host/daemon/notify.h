// Tells systemd, if it asked, how the daemon is.
#pragma once

#include <string_view>

namespace novacron::host::daemon {

/// "READY=1", "STOPPING=1". Does nothing without $NOTIFY_SOCKET. See sd_notify(3).
void notify_supervisor(std::string_view state);
/// "RELOADING=1" with the time, as Type=notify-reload wants it; "READY=1" is to follow.
void notify_reloading();

}  // namespace novacron::host::daemon
