#include "host/sandbox/descriptors.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

namespace novacron::host::sandbox {

bool may_enter(int fd) {
  struct stat found {};
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_PATH) != 0 || ::fstat(fd, &found) != 0 || S_ISDIR(found.st_mode)) return false;
  if (S_ISSOCK(found.st_mode)) {
    int listens = 0;
    socklen_t size = sizeof(listens);
    return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens == 0;
  }
  struct statfs on {};
  return ::fstatfs(fd, &on) == 0 && on.f_type != NSFS_MAGIC && on.f_type != PROC_SUPER_MAGIC;
}

bool may_enter(const nc_fds& fds) {
  const int32_t* const end = fds.fd + std::min(fds.len, NC_FDS_MAX);
  return std::all_of(fds.fd, end, [](int32_t fd) { return may_enter(fd); });
}

void close_all(nc_fds& fds) {
  for (uint32_t i = 0; i < std::min(fds.len, NC_FDS_MAX); ++i) ::close(fds.fd[i]);
  fds.len = 0;
}

}  // namespace novacron::host::sandbox
