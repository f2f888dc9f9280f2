#include "host/sandbox/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string_view>
#include <thread>

#include "host/base/fd.h"
#include "host/base/file.h"

namespace novacron::host::sandbox {
namespace {

constexpr size_t kMaxFileBytes = 64 * 1'024;
constexpr uint64_t kPeriodUs = 100'000;
constexpr uint64_t kUsPerPercent = kPeriodUs / 100;
constexpr int kRemoveTries = 50;  ///< the kernel lets go of a group a little after its last process
constexpr std::chrono::milliseconds kRemovePause(10);
constexpr std::string_view kPrefix = "novacron-";

Status put(const std::string& file, const std::string& text) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) return {};
  return errno_error(file, errno);
}

bool is_folder(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

/// Lines of "number:controllers:path"; the path of the one that names the controller, "" being version 2's.
std::optional<std::string> path_of(std::string_view self, std::string_view controller) {
  while (!self.empty()) {
    const std::string_view line = self.substr(0, self.find('\n'));
    self.remove_prefix(std::min(self.size(), line.size() + 1));
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string names = ',' + std::string(line.substr(first + 1, second - first - 1)) + ',';
    const bool is_it =
        controller.empty() ? names == ",," : names.find(',' + std::string(controller) + ',') != names.npos;
    if (is_it) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

/// Where a group may have groups below it with limits, no process may be in it itself.
bool delegate(const std::string& folder) {
  if (put(folder + "/cgroup.subtree_control", "+memory +pids +cpu").ok()) return true;
  const std::string inner = folder + "/host";
  ::mkdir(inner.c_str(), 0755);
  return put(inner + "/cgroup.procs", "0").ok() && put(folder + "/cgroup.subtree_control", "+memory +pids +cpu").ok();
}

std::optional<CgroupRoots> find_unified(const std::string& mount, const std::string& self) {
  const auto path = path_of(self, "");
  if (!path) return std::nullopt;
  std::string folder = mount + *path;
  const std::string inner = "/host";
  if (folder.ends_with(inner)) folder.resize(folder.size() - inner.size());  // this process went there itself
  const auto controllers = read_file(folder + "/cgroup.controllers", kMaxFileBytes);
  if (!controllers.ok()) return std::nullopt;
  for (const char* needed : {"memory", "pids", "cpu"}) {
    if (controllers->find(needed) == std::string::npos) return std::nullopt;
  }
  if (!delegate(folder)) return std::nullopt;
  return CgroupRoots{true, folder, folder, folder};
}

/// Those of hosts that ended without taking them along.
void sweep(const std::string& root) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    const auto host = static_cast<pid_t>(std::atoi(name.c_str() + kPrefix.size()));
    if (host <= 0 || host == ::getpid() || ::kill(host, 0) == 0 || errno != ESRCH) continue;
    for (const auto& inner : std::filesystem::directory_iterator(entry.path(), error)) {
      if (inner.is_directory(error)) ::rmdir(inner.path().c_str());
    }
    ::rmdir(entry.path().c_str());
  }
}

Status make_group(const std::string& root, const std::string& name, bool unified, std::string& folder) {
  const std::string ours = root + '/' + std::string(kPrefix) + std::to_string(::getpid());
  if (!is_folder(ours)) sweep(root);
  if (::mkdir(ours.c_str(), 0755) != 0 && errno != EEXIST) return errno_error(ours, errno);
  if (unified) TRY_STATUS(put(ours + "/cgroup.subtree_control", "+memory +pids +cpu"));
  folder = ours + '/' + name;
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return errno_error(folder, errno);
  return {};
}

Status limit_memory(const std::string& folder, bool unified, uint64_t bytes) {
  if (!unified) return put(folder + "/memory.limit_in_bytes", std::to_string(bytes));
  (void)put(folder + "/memory.swap.max", "0");  // where there is swap
  return put(folder + "/memory.max", std::to_string(bytes));
}

Status limit_cpu(const std::string& folder, bool unified, uint32_t percent) {
  if (percent == 0) return {};
  const std::string quota = std::to_string(percent * kUsPerPercent);
  if (unified) return put(folder + "/cpu.max", quota + ' ' + std::to_string(kPeriodUs));
  TRY_STATUS(put(folder + "/cpu.cfs_period_us", std::to_string(kPeriodUs)));
  return put(folder + "/cpu.cfs_quota_us", quota);
}

void remove_group(const std::string& folder) {
  for (int i = 0; i < kRemoveTries; ++i) {
    if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) return;
    std::this_thread::sleep_for(kRemovePause);
  }
}

}  // namespace

std::optional<CgroupRoots> find_cgroups(const std::string& mount, const std::string& self) {
  CgroupRoots roots;
  for (auto& [folder, controller] : {std::pair(&roots.memory, "memory"), {&roots.pids, "pids"}, {&roots.cpu, "cpu"}}) {
    const auto path = path_of(self, controller);
    if (!path) return find_unified(mount, self);
    *folder = mount + '/' + controller + (*path == "/" ? "" : *path);
    if (!is_folder(*folder)) return std::nullopt;
  }
  return roots;
}

std::optional<CgroupRoots> find_cgroups() {
  const auto self = read_file("/proc/self/cgroup", kMaxFileBytes);
  return self.ok() ? find_cgroups("/sys/fs/cgroup", *self) : std::nullopt;
}

Result<std::unique_ptr<Cgroup>> Cgroup::make(const CgroupRoots& roots, const std::string& name,
                                             const CgroupLimits& limits) {
  std::unique_ptr<Cgroup> group(new Cgroup);
  std::vector<std::string> wanted = {roots.memory};
  if (!roots.unified) wanted = {roots.memory, roots.pids, roots.cpu};
  for (const std::string& root : wanted) {
    std::string folder;
    TRY_STATUS(make_group(root, name, roots.unified, folder));
    group->folders_.push_back(std::move(folder));
  }
  const auto& folders = group->folders_;
  TRY_STATUS(limit_memory(folders.front(), roots.unified, limits.memory_bytes));
  TRY_STATUS(put(folders[roots.unified ? 0 : 1] + "/pids.max", std::to_string(limits.threads)));
  TRY_STATUS(limit_cpu(folders.back(), roots.unified, limits.cpu_percent));
  return group;
}

Cgroup::~Cgroup() {
  for (const std::string& folder : folders_) remove_group(folder);
}

Status Cgroup::add(pid_t process) const {
  for (const std::string& folder : folders_) TRY_STATUS(put(folder + "/cgroup.procs", std::to_string(process)));
  return {};
}

}  // namespace novacron::host::sandbox
