#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>

#include "host/metrics/metrics.h"

namespace novacron::host::metrics {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
  void operator()(DIR* folder) const { ::closedir(folder); }
};

double to_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// Of /proc/self/statm, in bytes.
struct Memory {
  double total = 0;
  double resident = 0;
};

Memory memory() {
  const std::unique_ptr<std::FILE, Close> file(std::fopen("/proc/self/statm", "re"));
  unsigned long total = 0, resident = 0;
  if (!file || std::fscanf(file.get(), "%lu %lu", &total, &resident) != 2) return {};
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  return {static_cast<double>(total) * page, static_cast<double>(resident) * page};
}

double entries(const char* path) {
  const std::unique_ptr<DIR, Close> folder(::opendir(path));
  if (!folder) return 0;
  double count = 0;
  while (const dirent* entry = ::readdir(folder.get())) count += entry->d_name[0] != '.';
  return count;
}

}  // namespace

void tell_process(Sink& sink) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  sink.counter("process_cpu_seconds_total", "Processor time, of user and system.",
               to_seconds(used.ru_utime) + to_seconds(used.ru_stime));
  const Memory now = memory();
  sink.gauge("process_virtual_memory_bytes", "Address space.", now.total);
  sink.gauge("process_resident_memory_bytes", "Memory that is really there.", now.resident);
  sink.gauge("process_open_fds", "Open file descriptors, one of them to count.", entries("/proc/self/fd"));
  sink.gauge("process_threads", "Threads.", entries("/proc/self/task"));
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    sink.gauge("process_max_fds", "File descriptors that it may open.", static_cast<double>(limit.rlim_cur));
}

}  // namespace novacron::host::metrics
