// What a plugin in a sandbox tries, and what becomes of it. See tests/fixtures/plugins/escape.c.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/plugin/world_for_test.h"

using namespace novacron::host;
using namespace novacron::host::plugin;
using nlohmann::json;
using novacron::host::plugin::testing::eventually;
using novacron::host::plugin::testing::World;

namespace {

constexpr size_t kMiB = 1 << 20;

class Escape : public World {
 public:
  explicit Escape(json permissions = json::object(), Manager::Options options = quick()) : World(std::move(options)) {
    // Its user is not the test's, so what it is granted must be everybody's.
    std::filesystem::permissions(folder.path, std::filesystem::perms(0755));
    add_package("escape", "escape",
                {{"services", {"escape.v1.Escape"}}, {"placement", "sandboxed"}, {"permissions", permissions}});
    REQUIRE(install("escape").ok());
    started = manager->enable("escape");
  }
  static Manager::Options quick() {
    Manager::Options options;
    options.sandboxes.restart_ms = 1;
    return options;
  }
  std::string attempt(const std::string& script) {
    const Status& enabled = started;
    INFO((enabled.ok() ? "" : enabled.error().message));
    REQUIRE(enabled.ok());
    return text_of(broker.call("escape.v1.Escape", "Try", {}, Message{script, {}}, options()));
  }
  std::string file(const std::string& name) {
    const std::string path = (folder.path / name).string();
    std::ofstream(path) << "secret";
    std::filesystem::permissions(path, std::filesystem::perms(0666));
    return path;
  }
  Status started;
};

Fd listen_at(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  std::filesystem::permissions(path, std::filesystem::perms(0777));
  return listener;
}

/// Gives a byte to everybody who connects, on a port of loopback.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket_.get(), kBacklog) == 0);
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Listener() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::string port() const { return std::to_string(port_); }
  bool is_alone() const { return accepted_ == 0; }

 private:
  static constexpr int kBacklog = 64;
  void serve() {
    while (true) {
      const Fd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      ++accepted_;
      (void)!::send(client.get(), "x", 1, MSG_NOSIGNAL);
    }
  }

  const Fd socket_;
  uint16_t port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::thread thread_;
};

}  // namespace

TEST_CASE("escape: the layers are there before the library's constructors run") {
  Escape escape;
  CHECK(escape.attempt("constructor") == "EPERM");
}

TEST_CASE("escape: nothing of the machine's files is seen but libraries") {
  Escape escape;
  const std::string secret = escape.file("secret");
  CHECK(escape.attempt("read " + secret) == "ENOENT");
  CHECK(escape.attempt("write " + secret) != "done");
  for (const char* path :
       {"/etc/passwd", "/etc/shadow", "/root", "/home", "/proc/1/environ", "/sys/kernel", "/dev/mem"}) {
    CHECK(escape.attempt(std::string("read ") + path) != "done");
  }
  CHECK(escape.attempt("read /usr/bin/env") == "done");
  for (const char* path : {"/usr/bin/env", "/plugin/plugin.so", "/new", "/lib/new"}) {
    CHECK(escape.attempt(std::string("write ") + path) != "done");
  }
  CHECK(escape.attempt("write /tmp/own") == "done");
  CHECK_FALSE(std::filesystem::exists("/tmp/own"));
}

TEST_CASE("escape: granted paths are what was granted, and no more") {
  const auto outside = std::filesystem::temp_directory_path() / ("novacron-granted-" + std::to_string(::getpid()));
  std::filesystem::create_directories(outside / "ro");
  std::filesystem::create_directories(outside / "rw");
  std::filesystem::permissions(outside / "rw", std::filesystem::perms(0777));
  std::ofstream(outside / "ro" / "file") << "x";
  {
    Escape escape(json{{"paths", json::array({"ro:" + (outside / "ro").string(), "rw:" + (outside / "rw").string()})}});
    CHECK(escape.attempt("read " + (outside / "ro/file").string()) == "done");
    CHECK(escape.attempt("write " + (outside / "ro/new").string()) != "done");
    CHECK(escape.attempt("write " + (outside / "rw/new").string()) == "done");
    (void)escape.attempt("write " + (outside / "new").string());  // what is beside is its own folder of that name
    CHECK_FALSE(std::filesystem::exists(outside / "new"));
    CHECK(std::filesystem::exists(outside / "rw/new"));
  }
  std::filesystem::remove_all(outside);
}

TEST_CASE("escape: a granted path that is not there is told by name") {
  Escape escape(json{{"paths", json::array({"ro:/there/is/no/such"})}});
  REQUIRE_FALSE(escape.started.ok());
  CHECK(escape.started.error().message.find("/there/is/no/such") != std::string::npos);
  CHECK(escape.info("escape").state == State::kFailed);
}

TEST_CASE("escape: no other process is made, signalled or looked into") {
  Escape escape;
  const std::string pid = std::to_string(::getpid());
  for (const std::string& what :
       {std::string("fork"), std::string("exec"), "kill " + pid, std::string("kill -1"), "ptrace " + pid,
        std::string("unshare"), std::string("setuid"), std::string("limit")}) {
    CAPTURE(what);
    CHECK(escape.attempt(what) == "EPERM");
  }
}

TEST_CASE("escape: the kernel's wide doors are closed") {
  Escape escape;
  for (const char* what : {"mount", "chroot", "mknod", "bpf", "keys", "ring"}) {
    CAPTURE(what);
    CHECK(escape.attempt(what) == "EPERM");
  }
}

TEST_CASE("escape: without the permission there is no network") {
  Escape escape;
  CHECK(escape.attempt("connect 127.0.0.1") == "EPERM");
  CHECK(escape.attempt("unix /run/x.sock") == "EPERM");
}

TEST_CASE("escape: a Unix socket is reached where its path was granted, and no other") {
  const auto path = std::filesystem::temp_directory_path() / ("novacron-socket-" + std::to_string(::getpid()));
  const Fd listener = listen_at(path);
  {
    Escape escape(json{{"paths", json::array({"rw:" + path.string()})}});
    CHECK(escape.attempt("unix " + path.string()) == "done");
    CHECK(escape.attempt("unix /run/dbus/system_bus_socket") == "ENOENT");
    CHECK(escape.attempt("connect 127.0.0.1") == "EPERM");
  }
  std::filesystem::remove(path);
}

TEST_CASE("escape: with the permission there is the machine's network") {
  Escape escape(json{{"network", "all"}});
  CHECK(escape.attempt("connect 127.0.0.1") == "done");
}

TEST_CASE("escape: a plugin reaches the places that were granted by name or address, and no other") {
  const Listener granted, other;
  Escape escape(json{{"network", "localhost:" + granted.port() + ",127.0.0.1:" + granted.port()}});
  for (int i = 0; i < 3; ++i) {
    CHECK(escape.attempt("name localhost " + granted.port()) == "done");
    CHECK(escape.attempt("connect 127.0.0.1 " + granted.port()) == "done");
    CHECK(escape.attempt("event 127.0.0.1 " + granted.port()) == "done");
  }
  CHECK(escape.attempt("name localhost " + other.port()) == "EPERM");
  CHECK(escape.attempt("connect 127.0.0.1 " + other.port()) == "EPERM");
  CHECK(escape.attempt("event 127.0.0.1 " + other.port()) == "EPERM");
  CHECK(escape.attempt("name example.org 80") == "ENOENT");
  CHECK(escape.attempt("race 127.0.0.1 " + granted.port() + ' ' + other.port()) == "EPERM");
  CHECK(other.is_alone());
}

TEST_CASE("escape: a plugin that may connect to places does nothing else in the network") {
  const Listener granted;
  Escape escape(json{{"network", "loopback"}});
  CHECK(escape.attempt("connect 127.0.0.1 " + granted.port()) == "done");
  CHECK(escape.attempt("name localhost " + granted.port()) == "done");
  CHECK(escape.attempt("connect 192.0.2.1 80") == "EPERM");
  CHECK(escape.attempt("fastopen 127.0.0.1 " + granted.port()) == "EPERM");
  CHECK(escape.attempt("listen") == "EPERM");
  CHECK(escape.attempt("pair 192.0.2.1 80") == "EPERM");
  CHECK(escape.attempt("datagram 127.0.0.1 9") == "EACCES");
  CHECK(escape.attempt("unix /run/x.sock") == "EPERM");
  CHECK(escape.info("escape").process.layers.find("network") != std::string::npos);
}

TEST_CASE("escape: places of the network and a Unix socket are had at once, and neither opens the other") {
  const Listener granted, other;
  const auto path = std::filesystem::temp_directory_path() / ("novacron-both-" + std::to_string(::getpid()));
  const Fd listener = listen_at(path);
  Escape escape(json{{"network", "127.0.0.1:" + granted.port()}, {"paths", json::array({"rw:" + path.string()})}});
  CHECK(escape.attempt("unix " + path.string()) == "done");
  CHECK(escape.attempt("unix /run/dbus/system_bus_socket") == "ENOENT");
  CHECK(escape.attempt("connect 127.0.0.1 " + granted.port()) == "done");
  CHECK(escape.attempt("connect 127.0.0.1 " + other.port()) == "EPERM");
  CHECK(escape.attempt("race 127.0.0.1 " + granted.port() + ' ' + other.port()) == "EPERM");
  CHECK(other.is_alone());
  std::filesystem::remove(path);
}

TEST_CASE("escape: a plugin that takes memory without end dies of it, and the host goes on") {
  Manager::Options options = Escape::quick();
  options.sandboxes.memory_bytes = 256 * kMiB;
  Escape escape(json::object(), options);
  const std::string answer = escape.attempt("memory");
  CHECK((answer == "ENOMEM" || answer == "plugin.died"));
  REQUIRE(eventually([&] { return escape.attempt("descriptors") == "EMFILE"; }));
}

TEST_CASE("escape: a plugin has the memory that it was granted instead of what everybody has") {
  Escape escape(json{{"memory_bytes", 64 * kMiB}});
  const std::string answer = escape.attempt("memory");
  CHECK((answer == "ENOMEM" || answer == "plugin.died"));
  CHECK(escape.info("escape").granted.kernel.memory_bytes == 64 * kMiB);
}

TEST_CASE("escape: a crash is told with its signal and the plugin's last words") {
  for (const auto& [how, told] : {std::pair("crash", "killed by signal 11"), std::pair("abort", "killed by signal 6"),
                                  std::pair("exit", "exited with status 7")}) {
    Manager::Options options;
    options.sandboxes.max_deaths = 1;
    Escape escape(json::object(), options);
    REQUIRE(escape.attempt("say farewell") == "done");
    CHECK(escape.attempt(how) == "plugin.died");
    REQUIRE(eventually([&] { return escape.info("escape").state == State::kQuarantined; }));
    CHECK(escape.info("escape").message.find(told) != std::string::npos);
    CHECK(escape.info("escape").message.find("farewell") != std::string::npos);
  }
}

TEST_CASE("escape: a plugin that spins beyond its call's deadline is found and replaced") {
  Manager::Options options = Escape::quick();
  options.sandboxes.stuck_ms = 300;
  Escape escape(json::object(), options);
  const auto first = escape.info("escape").process.pid;
  const auto late = escape.broker.call("escape.v1.Escape", "Try", {}, Message{"spin", {}}, escape.options(200));
  CHECK(late.code() == Code::kDeadlineExceeded);
  REQUIRE(eventually([&] {
    const auto now = escape.info("escape");
    return now.state == State::kEnabled && now.process.pid != 0 && now.process.pid != first;
  }));
  CHECK(escape.attempt("say x") == "done");
}

TEST_CASE("escape: a layer that is required and cannot be had keeps the plugin from starting") {
  Manager::Options options = Escape::quick();
  options.sandboxes.required = {"seccomp", "moat"};
  Escape escape(json::object(), options);
  REQUIRE_FALSE(escape.started.ok());
  CHECK(escape.started.error().reason == "sandbox.layer");
}
