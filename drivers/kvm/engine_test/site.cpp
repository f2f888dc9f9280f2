#include "site.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "child.h"
#include "guest_state.h"

namespace novacron::kvm::testing {
namespace {

using namespace std::chrono_literals;
namespace api = compute::v1;

constexpr uint64_t kWaitMs = 30'000;
const std::string kScripts = std::string(NOVACRON_SOURCE_DIR) + "/scripts/";

/// A script with the tools that it needs on its path; it leaves daemons behind, so nothing is read from it.
void run_script(const std::string& name, const std::vector<std::string>& arguments) {
  std::string command = kScripts + name;
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  CAPTURE(command);
  REQUIRE(std::system((command + " </dev/null").c_str()) == 0);
}

std::string guest_folder() {
  const char* cache = std::getenv("NOVACRON_GUEST_CACHE");
  const std::string folder = cache != nullptr ? cache : std::string(NOVACRON_SOURCE_DIR) + "/build/guest";
  run_script("guest-image", {folder});
  return folder;
}

uint64_t real_ns() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
}

}  // namespace

Site::Site(const std::string& emulator) : emulator_(emulator) {
  libvirtd("start");
  folder_ = std::make_unique<Folder>(*Folder::open(path() + "/kvm"));
  begin();
}

Site::~Site() {
  end();
  (void)!std::system((kScripts + "private-libvirtd stop '" + path() + "/libvirt'").c_str());
}

void Site::begin() {
  connection_ =
      std::make_unique<Connection>("qemu+unix:///system?socket=" + path() + "/libvirt/run/libvirt-sock", *this);
  guests_ = std::make_unique<Guests>(*connection_, *folder_, *this,
                                     GuestsOptions{.accelerator = "tcg", .emulator = emulator_}, *this, &real_ns);
  REQUIRE(guests_->start_up().ok());
  connection_->start();
  wait_connected();
}

void Site::end() {
  if (guests_) guests_->shut_down();
  if (connection_) connection_->stop();
  guests_.reset();
  connection_.reset();
}

void Site::libvirtd(const std::string& action) const {
  run_script("private-libvirtd", {action, path() + "/libvirt"});
}

std::string Site::virsh(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = {"/usr/bin/virsh", "-c", connection_->uri()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const auto result = run_child(command);
  REQUIRE(result.ok());
  return result->output;
}

void Site::restart_driver() {
  end();
  {
    const std::lock_guard lock(mutex_);
    is_connected_ = false;
    events_.clear();
  }
  begin();
}

void Site::wait_connected() {
  std::unique_lock lock(mutex_);
  REQUIRE(changed_.wait_for(lock, std::chrono::milliseconds(kWaitMs), [this] { return is_connected_; }));
}

void Site::wait_disconnected() {
  std::unique_lock lock(mutex_);
  REQUIRE(changed_.wait_for(lock, std::chrono::milliseconds(kWaitMs), [this] { return !is_connected_; }));
}

void Site::wait_state(api::GuestStatus::State state) const {
  const auto is_so = [state](const api::GuestStatus& status) { return status.state == state; };
  REQUIRE(guests_->board().wait(kUid, is_so, kWaitMs));
}

std::string Site::image(const std::string& path) {
  std::string digest = std::to_string(images_.size());
  digest = "sha256:" + std::string(64 - digest.size(), '0') + digest;
  images_[digest] = path;
  return digest;
}

api::StartRequest Site::boot_request(uint64_t fence) {
  const std::string folder = guest_folder();
  api::StartRequest request;
  request.claim_fence = fence;
  request.guest.emplace();
  request.guest->uid = kUid;
  request.guest->tenant = "default";
  request.guest->name = "web1";
  auto& spec = request.guest->spec.emplace();
  spec.memory_bytes = 128u << 20;
  spec.boot.emplace();
  spec.boot->kernel = image(folder + "/vmlinuz");
  spec.boot->initrd = image(folder + "/initrd.zst");
  spec.boot->command_line = "console=ttyS0 quiet novacron.uid=${uid}";
  return request;
}

std::vector<std::string> Site::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

void Site::connected() {
  guests_->refresh_all();
  const std::lock_guard lock(mutex_);
  is_connected_ = true;
  changed_.notify_all();
}

void Site::disconnected(const Error&) {
  const std::lock_guard lock(mutex_);
  is_connected_ = false;
  changed_.notify_all();
}

void Site::guest_changed(const GuestChange& change) {
  const std::string event = event_of(change.before.state, change.after.state);
  const std::lock_guard lock(mutex_);
  if (!event.empty()) events_.push_back(event);
}

void Site::console_input_failed(const std::string&, const Error& why) {
  const std::lock_guard lock(mutex_);
  events_.push_back("console input lost: " + why.message);
}

Result<Image> Site::open(const std::string& digest) {
  const auto found = images_.find(digest);
  if (found == images_.end())
    return Error{.code = Code::kNotFound, .message = "no such blob", .reason = "blob.not-found"};
  return Image{Fd(::open(found->second.c_str(), O_RDONLY | O_CLOEXEC)), std::filesystem::file_size(found->second)};
}

bool Viewer::read_more(uint64_t timeout_ms) {
  pollfd poll_fd = {socket_.get(), POLLIN, 0};
  if (::poll(&poll_fd, 1, static_cast<int>(timeout_ms)) <= 0) return false;
  char bytes[4096];
  const ssize_t got = ::read(socket_.get(), bytes, sizeof bytes);
  if (got > 0) seen_.append(bytes, static_cast<size_t>(got));
  return got > 0;
}

std::string Viewer::expect(const std::string& text, uint64_t timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (seen_.find(text) == std::string::npos) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    CAPTURE(text, seen_);
    REQUIRE(left > 0ms);
    REQUIRE(read_more(static_cast<uint64_t>(left.count())));
  }
  const size_t end = seen_.find(text) + text.size();
  const std::string consumed = seen_.substr(0, end);
  seen_.erase(0, end);
  return consumed;
}

void Viewer::type(const std::string& text) const {
  REQUIRE(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

bool Viewer::ends(uint64_t timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (std::chrono::steady_clock::now() < deadline) {
    pollfd poll_fd = {socket_.get(), POLLIN, 0};
    if (::poll(&poll_fd, 1, 1000) > 0 && !read_more(0)) return true;
  }
  return false;
}

}  // namespace novacron::kvm::testing
