#include "console_input.h"

#include <libvirt/libvirt.h>

#include <utility>

#include "connection.h"
#include "domain.h"

namespace novacron::kvm {
namespace {

constexpr int kWouldBlock = -2;

}  // namespace

struct ConsoleInput::Stream {
  std::shared_ptr<_virConnect> connection;
  virStreamPtr stream = nullptr;

  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    if (stream == nullptr) return;
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
  stream_ = std::move(stream);
  return {};
}

void ConsoleInput::drain() {
  if (!stream_) return;
  char bytes[4096];
  int got = 0;
  while ((got = virStreamRecv(stream_->stream, bytes, sizeof bytes)) > 0) {
  }
  if (got != kWouldBlock) stream_.reset();  // it has ended or broken
}

Result<size_t> ConsoleInput::send(std::string_view bytes) {
  drain();
  if (!stream_) NC_TRY_STATUS(open());
  const int sent = virStreamSend(stream_->stream, bytes.data(), bytes.size());
  if (sent == kWouldBlock) return size_t{0};
  if (sent >= 0) return static_cast<size_t>(sent);
  const Error error = libvirt_error("write to the console");
  stream_.reset();
  return error;
}

}  // namespace novacron::kvm
