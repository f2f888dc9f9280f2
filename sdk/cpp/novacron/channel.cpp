#include "novacron/channel.h"

namespace novacron {
namespace {

void release_string(void* owner, const void*, size_t) {
  delete static_cast<std::string*>(owner);
}

Fds take(const nc_fds& raw) {
  Fds fds;
  for (uint32_t i = 0; i < raw.len && i < NC_FDS_MAX; ++i) fds.emplace_back(raw.fd[i]);
  return fds;
}

}  // namespace

Incoming::Incoming(const nc_message& raw)
    : body_(raw.body), fds_(take(raw.fds)), is_last_((raw.flags & NC_MESSAGE_LAST) != 0) {}

Incoming::Incoming(Incoming&& other) noexcept
    : body_(std::exchange(other.body_, nc_buf{})), fds_(std::move(other.fds_)), is_last_(other.is_last_) {}

Incoming::~Incoming() {
  if (body_.release != nullptr) body_.release(body_.owner, body_.ptr, body_.len);
}

Outgoing::Outgoing(std::string body, Fds fds, uint32_t flags) : body_(std::move(body)), fds_(std::move(fds)) {
  raw_.size = sizeof(nc_message);
  raw_.flags = flags;
}

Outgoing::Outgoing(BareEnd) {
  raw_.size = sizeof(nc_message);
  raw_.flags = NC_MESSAGE_LAST;
}

const nc_message* Outgoing::pass() {
  if (body_ && body_->size() > kGiveAway) {
    auto* owner = new std::string(*std::move(body_));
    raw_.body = {owner->data(), owner->size(), owner, release_string};
  } else if (body_) {
    raw_.body = {body_->data(), body_->size(), nullptr, nullptr};
  }
  for (Fd& fd : fds_) raw_.fds.fd[raw_.fds.len++] = fd.release();
  return &raw_;
}

Status check_fds(const Fds& fds) {
  if (fds.size() <= NC_FDS_MAX) return {};
  return Error{.code = Code::kInvalidArgument,
               .message = "a message carries at most " + std::to_string(NC_FDS_MAX) + " descriptors",
               .reason = "call.too-many-descriptors"};
}

Result<std::optional<Incoming>> Channel::read() {
  if (ended_) return std::optional<Incoming>();
  nc_message raw{};
  raw.size = sizeof(raw);
  const nc_code code = host_->read(host_->self, call_, &raw, deadline_ns_);
  if (code == NC_OUT_OF_RANGE) {
    ended_ = true;
    return std::optional<Incoming>();
  }
  if (code != NC_OK) return Error{.code = static_cast<Code>(code), .message = "reading from a stream failed"};
  Incoming message(raw);
  ended_ = message.is_last();
  if (message.is_bare_end()) return std::optional<Incoming>();
  return std::optional<Incoming>(std::move(message));
}

Status Channel::write(Outgoing& message) {
  const nc_code code = host_->write(host_->self, call_, message.pass(), deadline_ns_);
  if (code == NC_OK) return {};
  return Error{.code = static_cast<Code>(code), .message = "writing to a stream failed"};
}

}  // namespace novacron
