// A real libvirtd in namespaces of its own, the test guest's images, and the driver's logic on top.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connection.h"
#include "folder.h"
#include "guests.h"
#include "test_folder.h"

namespace novacron::kvm::testing {

inline constexpr const char* kUid = "5f6b1c3e-0c1d-4e2f-8a3b-1c2d3e4f5a6b";

/// Fails the test when an engine is missing: nothing here is skipped.
class Site final : public ConnectionObserver, public GuestsObserver, public ImageSource {
 public:
  explicit Site(const std::string& emulator = "/usr/bin/qemu-system-x86_64");
  ~Site() override;

  Guests& guests() { return *guests_; }
  const Folder& folder() const { return *folder_; }
  const std::string& path() const { return temporary_.path(); }

  /// kill, up: of libvirtd alone.
  void libvirtd(const std::string& action) const;
  /// virsh's output.
  std::string virsh(const std::vector<std::string>& arguments) const;
  /// Ends the driver's logic and begins it anew, as a restart of the host does.
  void restart_driver();
  void wait_connected();
  void wait_disconnected();
  /// Within 30 seconds.
  void wait_state(compute::v1::GuestStatus::State state) const;

  /// A file as an image; its digest is made up.
  std::string image(const std::string& path);
  /// A machine that boots the test guest.
  compute::v1::StartRequest boot_request(uint64_t fence = 1);
  std::vector<std::string> events() const;

 private:
  void connected() override;
  void disconnected(const Error& why) override;
  void guest_changed(const std::string& uid) override { guests_->refresh_known(uid); }
  void tick() override { guests_->trim_logs(); }
  void guest_changed(const GuestChange& change) override;
  void console_input_failed(const std::string&, const Error& why) override;
  Result<Image> open(const std::string& digest) override;
  void begin();
  void end();

  TestFolder temporary_;
  const std::string emulator_;
  std::unique_ptr<Folder> folder_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Guests> guests_;
  std::map<std::string, std::string> images_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_connected_ = false;
  std::vector<std::string> events_;
};

/// One viewer of a console.
class Viewer {
 public:
  explicit Viewer(Fd socket) : socket_(std::move(socket)) {}
  /// Reads until `text` was seen after what earlier calls have consumed; everything up to its end. Fails the test after
  /// `timeout_ms`.
  std::string expect(const std::string& text, uint64_t timeout_ms = 30'000);
  void type(const std::string& text) const;
  /// True when the stream ends within `timeout_ms`.
  bool ends(uint64_t timeout_ms = 30'000);

 private:
  bool read_more(uint64_t timeout_ms);

  Fd socket_;
  std::string seen_;
};

}  // namespace novacron::kvm::testing
