#include "host/daemon/inherited.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>

namespace novacron::host::daemon {
namespace {

constexpr const char* kPid = "LISTEN_PID";
constexpr const char* kCount = "LISTEN_FDS";
constexpr const char* kNames = "LISTEN_FDNAMES";

Error invalid(std::string message) {
  return {Code::kInvalidArgument, std::move(message), "daemon.listen-fds"};
}

std::optional<int> number_of(const std::string& text) {
  int number = -1;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = failure == std::errc() && end == text.data() + text.size() && number >= 0;
  return is_whole ? std::optional(number) : std::nullopt;
}

/// Takes the next name off "a:b:c".
std::string next_name(std::string& names) {
  const size_t colon = std::min(names.find(':'), names.size());
  const std::string name = names.substr(0, colon);
  names.erase(0, std::min(colon + 1, names.size()));
  return name.empty() ? "unknown" : name;
}

}  // namespace

Result<std::vector<Inherited>> inherited_sockets(const std::function<std::string(const char*)>& variable, int pid) {
  std::vector<Inherited> sockets;
  const std::string wanted_pid = variable(kPid);
  if (wanted_pid.empty() || number_of(wanted_pid) != pid) return sockets;
  const auto count = number_of(variable(kCount));
  if (!count || *count > kMaxInherited) {
    return invalid(std::string("$") + kCount + " must be a number of at most " + std::to_string(kMaxInherited) +
                   ", not \"" + variable(kCount) + "\"");
  }
  std::string names = variable(kNames);
  for (int fd = kFirstInherited; fd < kFirstInherited + *count; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0) return invalid("descriptor " + std::to_string(fd) + " of $" + kCount + " is not open");
    ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
    sockets.push_back({Fd(fd), next_name(names)});
  }
  return sockets;
}

Result<std::vector<Inherited>> take_inherited_sockets() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  auto sockets = inherited_sockets(variable, ::getpid());
  for (const char* name : {kPid, kCount, kNames}) ::unsetenv(name);
  return sockets;
}

}  // namespace novacron::host::daemon
