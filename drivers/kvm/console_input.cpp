#include "console_input.h"

#include <libvirt/libvirt.h>

#include <atomic>
#include <utility>

#include "connection.h"
#include "domain.h"

namespace novacron::kvm {
namespace {

constexpr int kWouldBlock = -2;
constexpr int kWatched = VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP;

using Broken = std::shared_ptr<std::atomic<bool>>;

/// On the event loop: empties what libvirt received, so that it does not pile up.
void drop_output(virStreamPtr stream, int events, void* handle) {
  char bytes[4096];
  int got = 0;
  while ((got = virStreamRecv(stream, bytes, sizeof bytes)) > 0) {
  }
  if (got == kWouldBlock && (events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP)) == 0) return;
  **static_cast<Broken*>(handle) = true;
  virStreamEventUpdateCallback(stream, 0);
}

}  // namespace

struct ConsoleInput::Stream {
  std::shared_ptr<_virConnect> connection;
  virStreamPtr stream = nullptr;
  Broken broken = std::make_shared<std::atomic<bool>>(false);
  bool watched = false;

  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    if (stream == nullptr) return;
    if (watched) virStreamEventRemoveCallback(stream);
    virStreamAbort(stream);
    virStreamFree(stream);
  }
};

ConsoleInput::ConsoleInput(Connection& connection, std::string uid) : connection_(connection), uid_(std::move(uid)) {}
ConsoleInput::~ConsoleInput() = default;

Status ConsoleInput::open() {
  auto stream = std::make_unique<Stream>();
  stream->connection = NC_TRY(connection_.get());
  const Domain domain = NC_TRY(find_domain(stream->connection.get(), uid_));
  if (!domain)
    return Error{
        .code = Code::kNotFound, .message = "guest " + uid_ + " is not here", .reason = "compute.guest-absent"};
  stream->stream = virStreamNew(stream->connection.get(), VIR_STREAM_NONBLOCK);
  if (stream->stream == nullptr) return libvirt_error("make a stream");
  // By force: what another owner of the console left behind, such as this driver before a crash, must not keep people
  // out.
  if (virDomainOpenConsole(domain.get(), nullptr, stream->stream, VIR_DOMAIN_CONSOLE_FORCE) != 0)
    return libvirt_error("open the console");
  auto handle = std::make_unique<Broken>(stream->broken);
  if (virStreamEventAddCallback(stream->stream, kWatched, &drop_output, handle.get(),
                                [](void* owned) { delete static_cast<Broken*>(owned); }) != 0) {
    return libvirt_error("watch the console");
  }
  (void)handle.release();  // libvirt releases it
  stream->watched = true;
  stream_ = std::move(stream);
  return {};
}

Result<size_t> ConsoleInput::send(std::string_view bytes) {
  if (stream_ && *stream_->broken) stream_.reset();
  if (!stream_) NC_TRY_STATUS(open());
  const int sent = virStreamSend(stream_->stream, bytes.data(), bytes.size());
  if (sent == kWouldBlock) return size_t{0};
  if (sent >= 0) return static_cast<size_t>(sent);
  const Error error = libvirt_error("write to the console");
  stream_.reset();
  return error;
}

}  // namespace novacron::kvm
