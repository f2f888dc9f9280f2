// Landlock, whose newer parts the headers of Debian 12 do not know yet.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "host/base/fd.h"
#include "host/sandbox/child/fences.h"

namespace novacron::host::sandbox {
namespace {

struct RulesetAttributes {
  uint64_t files;
  uint64_t network;  ///< from version 4 on
  uint64_t scopes;   ///< from version 6 on
};
struct [[gnu::packed]] PathAttributes {
  uint64_t allowed;
  int32_t parent;
};

constexpr uint32_t kGetVersion = 1;
constexpr int kPathBeneath = 1;
constexpr uint64_t kExecute = 1 << 0;
constexpr uint64_t kWriteFile = 1 << 1;
constexpr uint64_t kReadFile = 1 << 2;
constexpr uint64_t kReadFolder = 1 << 3;
constexpr uint64_t kMakeDevices = (1 << 6) | (1 << 11);
constexpr uint64_t kFirstVersion = (1 << 13) - 1;
constexpr uint64_t kRefer = 1 << 13;     ///< 2
constexpr uint64_t kTruncate = 1 << 14;  ///< 3
constexpr uint64_t kIoctl = 1 << 15;     ///< 5
constexpr int kTcpVersion = 4;
constexpr uint64_t kTcp = 3;     ///< 4: bind, connect
constexpr uint64_t kScopes = 3;  ///< 6: abstract sockets, signals

uint64_t file_rights(int version) {
  uint64_t rights = kFirstVersion;
  if (version >= 2) rights |= kRefer;
  if (version >= 3) rights |= kTruncate;
  if (version >= 5) rights |= kIoctl;
  return rights;
}

uint64_t rights_on(const Exposed& exposed, uint64_t all) {
  uint64_t rights = kReadFile | kReadFolder;
  if (exposed.writable) rights = all & ~(kExecute | kMakeDevices | kIoctl);
  if (exposed.device) rights = kReadFile | kWriteFile | kIoctl;
  if (!exposed.folder) rights &= kReadFile | kWriteFile | kTruncate | kIoctl;
  return rights & all;
}

bool allow(int ruleset, const std::string& path, uint64_t rights) {
  const Fd folder(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!folder) return false;
  const PathAttributes attributes{rights, folder.get()};
  return ::syscall(SYS_landlock_add_rule, ruleset, kPathBeneath, &attributes, 0) == 0;
}

int landlock_version() {
  return static_cast<int>(::syscall(SYS_landlock_create_ruleset, nullptr, 0, kGetVersion));
}

}  // namespace

bool can_fence_tcp() {
  return landlock_version() >= kTcpVersion;
}

bool fence_files(const Isolation& wanted, const std::vector<Exposed>& exposed) {
  const int version = landlock_version();
  if (version < 1) return false;
  const uint64_t all = file_rights(version);
  RulesetAttributes attributes{all, wanted.network != Network::kAll && version >= kTcpVersion ? kTcp : 0,
                               version >= 6 ? kScopes : 0};
  const size_t size = version >= 6 ? sizeof(attributes) : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset) return false;
  for (const Exposed& one : exposed) {
    if (!allow(ruleset.get(), has(wanted.have, Layer::kMountNamespace) ? one.target() : one.path, rights_on(one, all)))
      return false;
  }
  if (has(wanted.have, Layer::kMountNamespace)) {
    if (!allow(ruleset.get(), kLibraryFolder, kReadFile | kReadFolder)) return false;
    if (wanted.network == Network::kReach) {
      if (!allow(ruleset.get(), kHostsFile, kReadFile) || !allow(ruleset.get(), kNamesFile, kReadFile)) return false;
    }
    if (!allow(ruleset.get(), kTmpFolder, rights_on({kTmpFolder, true, false, true}, all))) return false;
  }
  return ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0;
}

}  // namespace novacron::host::sandbox
