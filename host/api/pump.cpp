// Carries a feed's messages to one client, whatever the framing.
#include <chrono>

#include "host/api/problem.h"
#include "host/api/session.h"

namespace novacron::host::api {
namespace {

using asio::awaitable;

constexpr size_t kMaxTaken = 1'024;
constexpr uint64_t kKeepAliveMs = 15'000;
constexpr uint64_t kBusyMs = 100;
constexpr std::string_view kBusyReason = "host.queue-full";

FeedPieces pieces_of(std::string framed) {
  return {{std::make_shared<const std::string>(std::move(framed)), 0}};
}

FeedPieces frame_end(const Feed& feed, const Error& error, FeedBody::Format format) {
  const auto text =
      std::make_shared<const std::string>(feed.last_words(std::get<std::string>(problem(error, "").body)));
  std::string framed = format == FeedBody::Format::kServerSentEvents ? "event: error\n" : "";
  append_frame(framed, {text}, framing_of(format));
  return pieces_of(std::move(framed));
}

FeedPieces framed(const std::vector<FeedMessage>& messages, FeedBody::Format format) {
  if (messages.empty()) return {};
  std::string joined;
  for (const auto& message : messages) append_frame(joined, message, framing_of(format));
  return pieces_of(std::move(joined));
}

/// Waits for more; false: the client is gone.
awaitable<bool> wait_for_more(Session& session, FeedBody::Format format, const FeedSend& send) {
  const auto before = std::chrono::steady_clock::now();
  co_await session.wait(kKeepAliveMs);
  const bool quiet = std::chrono::steady_clock::now() - before >= std::chrono::milliseconds(kKeepAliveMs);
  if (!quiet || format != FeedBody::Format::kServerSentEvents) co_return true;
  const FeedPieces comment = pieces_of(":\n\n");
  const bool sent = co_await send(comment);
  co_return sent;
}

Error draining() {
  return {Code::kUnavailable, "the host is stopping: resume on another or later", "api.draining"};
}

/// A feed's end may wait for what makes it, which this thread must not.
void release(Session& session, std::shared_ptr<Feed> feed) {
  feed->signal().listen(nullptr);
  const auto posted = session.shared->lane->post([feed] {});
  if (!posted.ok()) feed.reset();
}

using Taken = Result<FeedPieces>;

/// What there is now; RESOURCE_EXHAUSTED with kBusyReason: the workers are busy, try again.
awaitable<Taken> take(Session& session, std::shared_ptr<Feed> feed, FeedBody::Format format) {
  auto shared = feed->take_shared();
  if (!shared.ok()) co_return Taken(std::move(shared).error());
  if (*shared) co_return Taken(**std::move(shared));
  std::function<Taken()> work = [feed, format]() -> Taken { return framed(TRY(feed->take(kMaxTaken)), format); };
  if (feed->is_quick()) co_return work();
  auto taken = co_await on_worker(session, std::move(work));
  if (!taken.ok()) co_return Taken(std::move(taken).error());
  co_return *std::move(taken);
}

awaitable<void> pump_until_end(Session& session, std::shared_ptr<Feed> feed, FeedBody::Format format,
                               const FeedSend& send) {
  bool alive = true;
  while (alive && session.transport.socket().is_open()) {
    Taken taken = co_await take(session, feed, format);
    if (session.shared->draining) taken = draining();
    if (!taken.ok() && taken.error().reason == kBusyReason) {
      co_await session.wait(kBusyMs);
    } else if (!taken.ok()) {
      const FeedPieces last = frame_end(*feed, taken.error(), format);
      co_await send(last);
      co_return;
    } else if (taken->empty()) {
      alive = co_await wait_for_more(session, format, send);
    } else {
      alive = co_await send(*taken);
    }
  }
}

}  // namespace

awaitable<void> pump(std::shared_ptr<Session> session, std::shared_ptr<Feed> feed, FeedBody::Format format,
                     FeedSend send) {
  std::weak_ptr<Session> weak = session;
  const asio::any_io_executor executor = session->transport.get_executor();
  feed->signal().listen([weak, executor] {
    asio::post(executor, [weak] {
      if (const auto alive = weak.lock()) alive->notify();
    });
  });
  session->on_drain = [weak] {
    if (const auto alive = weak.lock()) alive->notify();
  };
  co_await pump_until_end(*session, feed, format, send);
  session->on_drain = nullptr;
  release(*session, feed);
}

}  // namespace novacron::host::api
