#include "host/sandbox/frame.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "host/sandbox/abi_wire.h"
#include "host/sandbox/channel.h"
#include "host/sandbox/descriptors.h"

using namespace novacron::host;
using namespace novacron::host::sandbox;

namespace {

Frame frame_of(Kind kind, std::string payload) {
  return {kind, 7, std::move(payload), {}};
}

struct Pair {
  Pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    auto left = Channel::create(Fd(ends[0]));
    auto right = Channel::create(Fd(ends[1]));
    REQUIRE(left.ok());
    REQUIRE(right.ok());
    here = std::move(*left);
    there = std::move(*right);
  }
  std::unique_ptr<Channel> here;
  std::unique_ptr<Channel> there;
};

}  // namespace

TEST_CASE("a frame comes out as it went in, small or large") {
  for (const size_t size : {size_t{0}, size_t{1}, kMaxInlineBytes, kMaxInlineBytes + 1, size_t{5'000'000}}) {
    const std::string payload(size, 'x');
    auto packet = encode(frame_of(Kind::kAsk, payload));
    REQUIRE(packet.ok());
    CHECK(packet->bytes.size() <= kHeaderBytes + kMaxInlineBytes);
    const auto frame = decode(std::move(*packet));
    REQUIRE(frame.ok());
    CHECK(frame->kind == Kind::kAsk);
    CHECK(frame->lane == 7);
    CHECK(frame->payload == payload);
    CHECK(frame->fds.empty());
  }
}

TEST_CASE("a payload in a memfd that could still change is refused") {
  auto packet = encode(frame_of(Kind::kAsk, std::string(kMaxInlineBytes + 1, 'x')));
  REQUIRE(packet.ok());
  const Fd open(::memfd_create("open", MFD_CLOEXEC));
  REQUIRE(::ftruncate(open.get(), kMaxInlineBytes + 1) == 0);
  packet->fds[0] = Fd(::dup(open.get()));
  CHECK(decode(std::move(*packet)).error().message == "a payload's memfd is not sealed");
}

TEST_CASE("a payload's memfd of another size than the frame says is refused") {
  auto large = encode(frame_of(Kind::kAsk, std::string(kMaxInlineBytes + 9, 'x')));
  auto other = encode(frame_of(Kind::kAsk, std::string(kMaxInlineBytes + 1, 'x')));
  REQUIRE(large.ok());
  REQUIRE(other.ok());
  large->fds[0] = std::move(other->fds[0]);
  CHECK(decode(std::move(*large)).code() == Code::kInvalidArgument);
}

TEST_CASE("what is no frame is refused") {
  const auto good = encode(frame_of(Kind::kAsk, "x"));
  REQUIRE(good.ok());
  const auto refused = [&](size_t at, char byte) {
    Packet bad{good->bytes, {}};
    bad.bytes[at] = byte;
    return decode(std::move(bad)).code() == Code::kInvalidArgument;
  };
  CHECK(refused(0, 0));
  CHECK(refused(0, 99));
  CHECK(refused(1, 1));
  CHECK(refused(1, 2));
  CHECK(refused(2, 1));
  CHECK(refused(4, 2));
  CHECK(refused(7, 127));
  CHECK(decode({"short", {}}).code() == Code::kInvalidArgument);
}

TEST_CASE("descriptors come along, and are closed with the frame that has them") {
  Pair pair;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  const Fd reader(ends[0]);
  Frame frame = frame_of(Kind::kEnter, std::string(100'000, 'x'));
  frame.fds.emplace_back(ends[1]);
  REQUIRE(pair.here->send(std::move(frame)).ok());
  {
    const auto came = pair.there->receive();
    REQUIRE(came.ok());
    REQUIRE(came->fds.size() == 1);
    REQUIRE(::write(came->fds[0].get(), "x", 1) == 1);
  }
  char bytes[2];
  CHECK(::read(reader.get(), bytes, 2) == 1);
  CHECK(::read(reader.get(), bytes, 2) == 0);
}

TEST_CASE("a sender never waits; frames of control pass those that wait, and nothing waits without bound") {
  Pair pair;
  size_t sent = 0;
  Status last;
  while ((last = pair.here->send(frame_of(Kind::kEnter, std::string(1'000, 'd')))).ok()) ++sent;
  CHECK(last.code() == Code::kResourceExhausted);
  CHECK(sent > kMaxWaitingFrames);
  CHECK(pair.here->send(frame_of(Kind::kCancel, "")).code() == Code::kResourceExhausted);
  REQUIRE(pair.there->receive().ok());
  REQUIRE(pair.here->flush().ok());
  REQUIRE(pair.here->send(frame_of(Kind::kCancel, "")).ok());
  size_t before_cancel = 0;
  size_t after_cancel = 0;
  bool cancelled = false;
  while (before_cancel + after_cancel + 1 < sent) {
    auto frame = pair.there->receive();
    if (frame.code() == Code::kDeadlineExceeded) {
      REQUIRE(pair.here->flush().ok());
      continue;
    }
    REQUIRE(frame.ok());
    if (frame->kind == Kind::kCancel) {
      cancelled = true;
    } else {
      ++(cancelled ? after_cancel : before_cancel);
    }
  }
  CHECK(cancelled);
  CHECK(after_cancel > kMaxWaitingFrames / 2);
}

TEST_CASE("the end of the other end is told") {
  Pair pair;
  pair.there = nullptr;
  CHECK(pair.here->receive().code() == Code::kUnavailable);
  CHECK(pair.here->send(frame_of(Kind::kPing, "")).code() == Code::kUnavailable);
}

TEST_CASE("the structs of the ABI come out as they went in") {
  const nc_message message{sizeof(nc_message), NC_MESSAGE_LAST, {"body", 4, nullptr, nullptr}, {}};
  nc_result result{};
  result.size = sizeof(result);
  result.code = NC_OK;
  result.message = &message;
  result.reason = borrow("a.reason");
  result.text = borrow("text");
  result.detail = {"detail", 6, nullptr, nullptr};
  result.retry_after_ns = 5;
  Out out;
  put_result(out, &result);
  const std::string payload = out.writer.take();
  In in(payload);
  const ResultIn came = get_result(in);
  CHECK(in.reader.at_end());
  CHECK(came.abi.code == NC_OK);
  CHECK(view(came.abi.reason) == "a.reason");
  CHECK(view(came.abi.text) == "text");
  CHECK(came.abi.retry_after_ns == 5);
  REQUIRE(came.message.there);
  CHECK(came.message.abi.flags == NC_MESSAGE_LAST);
  CHECK(std::string_view(static_cast<const char*>(came.message.abi.body.ptr), came.message.abi.body.len) == "body");
}

TEST_CASE("a payload that was cut short gives zeros, and is not sound") {
  Out out;
  nc_request request{};
  request.size = sizeof(request);
  request.method = 3;
  request.node = borrow("a-node");
  put_request(out, request);
  const std::string whole = out.writer.take();
  for (size_t size = 0; size < whole.size(); ++size) {
    In in(std::string_view(whole).substr(0, size));
    (void)get_request(in);
    CHECK_FALSE(in.reader.sound());
  }
}

TEST_CASE("directories, sockets that listen and descriptors that open others do not enter a sandbox") {
  const Fd folder(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Fd path(::open("/tmp", O_PATH | O_CLOEXEC));
  const Fd space(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  const Fd process(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  const Fd listens(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::listen(listens.get(), 1) != 0);  // it has no name yet
  for (const Fd* fd : {&folder, &path, &space, &process}) CHECK_FALSE(may_enter(fd->get()));
  CHECK_FALSE(may_enter(-1));
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const Fd here(ends[0]);
  const Fd there(ends[1]);
  CHECK(may_enter(here.get()));
}
