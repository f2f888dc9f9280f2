#include "host/daemon/inherited.h"

#include <catch2/catch.hpp>
#include <map>

using namespace novacron::host;
using namespace novacron::host::daemon;

namespace {

constexpr int kPid = 4711;

/// What comes of the variables, in one word: "none", or the reason of a refusal.
std::string outcome(const std::map<std::string, std::string>& variables) {
  const auto sockets = inherited_sockets(
      [&](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::string() : found->second;
      },
      kPid);
  if (!sockets.ok()) return sockets.error().reason;
  return sockets->empty() ? "none" : "some";
}

}  // namespace

TEST_CASE("sockets are those of this process alone") {
  CHECK(outcome({}) == "none");
  CHECK(outcome({{"LISTEN_FDS", "1"}}) == "none");
  CHECK(outcome({{"LISTEN_PID", "4712"}, {"LISTEN_FDS", "1"}}) == "none");
  CHECK(outcome({{"LISTEN_PID", "47110"}, {"LISTEN_FDS", "1"}}) == "none");
  CHECK(outcome({{"LISTEN_PID", "x4711"}, {"LISTEN_FDS", "1"}}) == "none");
  CHECK(outcome({{"LISTEN_PID", "4711"}, {"LISTEN_FDS", "0"}}) == "none");
}

TEST_CASE("numbers of sockets that are none are refused") {
  for (const char* count : {"", "-1", "1x", "65", "99999999999999999999"})
    CHECK(outcome({{"LISTEN_PID", "4711"}, {"LISTEN_FDS", count}}) == "daemon.listen-fds");
}
