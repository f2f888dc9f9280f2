#include "console.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "connection.h"
#include "disks.h"
#include "folder.h"
#include "test_folder.h"

using namespace novacron;
using namespace novacron::kvm;

namespace {

const std::string kUid = "11111111-2222-4333-8444-555555555555";
constexpr int kWaitMs = 10'000;

class Nobody final : public ConnectionObserver {
  void connected() override {}
  void disconnected(const Error&) override {}
  void guest_changed(const std::string&) override {}
  void tick() override {}
};

/// Consoles over a log that the test writes as QEMU does; libvirt is never reached.
struct Fixture {
  testing::TestFolder temporary;
  Folder folder = *Folder::open(temporary.path());
  Nobody nobody;
  Connection connection{"test:///never-opened", nobody};
  Consoles consoles{connection, folder, [](const std::string&, const Error&) {}};

  Fixture() {
    REQUIRE(folder.make_folder("guests").ok());
    REQUIRE(folder.make_folder("guests/" + kUid).ok());
    print("");
    REQUIRE(consoles.start().ok());
  }
  std::string log_path() const { return folder.path_of(Disks::console_log_name(kUid)); }
  void print(const std::string& text) const { std::ofstream(log_path(), std::ios::binary | std::ios::app) << text; }
  Fd attach() {
    auto viewer = consoles.attach(kUid);
    REQUIRE(viewer.ok());
    return *std::move(viewer);
  }
};

/// So many bytes of the stream, fewer when it ends before.
std::string read_bytes(const Fd& viewer, size_t length) {
  std::string out;
  char bytes[4096];
  while (out.size() < length) {
    pollfd poll_fd = {viewer.get(), POLLIN, 0};
    REQUIRE(::poll(&poll_fd, 1, kWaitMs) == 1);
    const ssize_t got = ::read(viewer.get(), bytes, std::min(sizeof bytes, length - out.size()));
    if (got <= 0) break;
    out.append(bytes, static_cast<size_t>(got));
  }
  return out;
}

}  // namespace

TEST_CASE("each viewer sees the past, then the present, once") {
  Fixture fixture;
  fixture.print("booted\n");
  const Fd first = fixture.attach();
  CHECK(read_bytes(first, 7) == "booted\n");
  fixture.print("ready\n");
  const Fd second = fixture.attach();
  CHECK(read_bytes(first, 6) == "ready\n");
  CHECK(read_bytes(second, 13) == "booted\nready\n");
  fixture.print("more\n");
  CHECK(read_bytes(first, 5) == "more\n");
  CHECK(read_bytes(second, 5) == "more\n");
}

TEST_CASE("of a long past only the end is shown") {
  Fixture fixture;
  fixture.print(std::string(3 * kConsoleBacklogBytes, '.') + "end");
  const std::string seen = read_bytes(fixture.attach(), kConsoleBacklogBytes);
  CHECK(seen.size() == kConsoleBacklogBytes);
  CHECK(seen.substr(seen.size() - 3) == "end");
}

TEST_CASE("a viewer that does not read holds up nobody, and is moved forward when it reads again") {
  Fixture fixture;
  const Fd slow = fixture.attach(), quick = fixture.attach();
  const std::string flood(2 * kConsoleLogMaxBytes, '.');
  fixture.print(flood);
  fixture.print("end");
  std::string seen;
  while (seen.find("end") == std::string::npos)
    seen = seen.substr(seen.size() > 2 ? seen.size() - 2 : 0) + read_bytes(quick, 1);
  size_t total = 0;
  for (std::string last; last.find("end") == std::string::npos;) {
    last = last.substr(last.size() > 2 ? last.size() - 2 : 0) + read_bytes(slow, 1);
    ++total;
  }
  CHECK(total < flood.size());
}

TEST_CASE("a console ends with its guest, after the rest of its output") {
  Fixture fixture;
  const Fd viewer = fixture.attach();
  fixture.print("last words");
  fixture.consoles.guest_ended(kUid);
  CHECK(read_bytes(viewer, 100) == "last words");
}

TEST_CASE("a log that was rotated goes on in the new one") {
  Fixture fixture;
  const Fd viewer = fixture.attach();
  fixture.print("old");
  CHECK(read_bytes(viewer, 3) == "old");
  std::ofstream(fixture.log_path() + ".next") << "new";
  std::filesystem::rename(fixture.log_path(), fixture.log_path() + ".0");
  std::filesystem::rename(fixture.log_path() + ".next", fixture.log_path());
  std::ofstream(fixture.log_path() + ".0", std::ios::app) << "er";  // what was on its way
  std::string seen = read_bytes(viewer, 3);
  if (seen.substr(0, 2) == "er") seen = seen.substr(2) + read_bytes(viewer, 2);
  CHECK(seen == "new");
  fixture.print("est");
  CHECK(read_bytes(viewer, 3) == "est");
}

TEST_CASE("a long log loses its beginning on disk, and viewers keep their places") {
  Fixture fixture;
  fixture.print(std::string(2 * kConsoleLogMaxBytes, '.'));
  const Fd viewer = fixture.attach();
  CHECK(read_bytes(viewer, kConsoleBacklogBytes).size() == kConsoleBacklogBytes);
  fixture.consoles.trim_log(kUid);
  struct stat status = {};
  REQUIRE(::stat(fixture.log_path().c_str(), &status) == 0);
  CHECK(static_cast<uint64_t>(status.st_blocks) * 512 <= kConsoleLogMaxBytes);
  fixture.print("more");
  CHECK(read_bytes(viewer, 4) == "more");
}

TEST_CASE("the number of consoles is limited, and one that is closed makes room") {
  Fixture fixture;
  std::vector<Fd> viewers;
  for (int i = 0; i < 64; ++i) viewers.push_back(fixture.attach());
  CHECK(fixture.consoles.attach(kUid).error().reason == "compute.too-many-consoles");
  fixture.print("x");
  for (const Fd& viewer : viewers) CHECK(read_bytes(viewer, 1) == "x");
  viewers.pop_back();
  // Its end is seen on the consoles' thread: another viewer's output after it shows that this has happened.
  auto again = fixture.consoles.attach(kUid);
  for (int i = 0; !again.ok() && i < 1000; ++i) {
    fixture.print("y");
    read_bytes(viewers.front(), 1);
    again = fixture.consoles.attach(kUid);
  }
  CHECK(again.ok());
}

TEST_CASE("after the consoles stop, viewers see the end and none comes in") {
  Fixture fixture;
  const Fd viewer = fixture.attach();
  fixture.consoles.stop();
  CHECK(read_bytes(viewer, 1).empty());
  CHECK(fixture.consoles.attach(kUid).code() == Code::kUnavailable);
}
