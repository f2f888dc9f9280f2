// Carries a feed's messages to one client, whatever the framing.
#include <chrono>
#include <nlohmann/json.hpp>

#include "host/api/problem.h"
#include "host/api/session.h"

namespace novacron::host::api {
namespace {

using asio::awaitable;

constexpr size_t kMaxTaken = 1'024;
constexpr uint64_t kKeepAliveMs = 15'000;
constexpr uint64_t kBusyMs = 100;
constexpr std::string_view kBusyReason = "host.queue-full";

void append_frame(std::string& out, const FeedMessage& message, FeedBody::Format format) {
  const bool is_sse = format == FeedBody::Format::kServerSentEvents;
  if (is_sse && message.id != 0) out.append("id: ").append(std::to_string(message.id)).append(1, '\n');
  if (is_sse) out.append("data: ");
  out.append(*message.json);
  if (format != FeedBody::Format::kWebSocket) out.append(is_sse ? "\n\n" : "\n");
}

std::string frame_end(const Error& error, FeedBody::Format format) {
  const auto details = nlohmann::json::parse(std::get<std::string>(problem(error, "").body));
  const auto text = std::make_shared<const std::string>(nlohmann::json{{"type", "ERROR"}, {"error", details}}.dump());
  std::string framed = format == FeedBody::Format::kServerSentEvents ? "event: error\n" : "";
  append_frame(framed, {text}, format);
  return framed;
}

awaitable<bool> send_all(const std::vector<FeedMessage>& messages, FeedBody::Format format, const FeedSend& send) {
  std::string joined;
  for (const auto& message : messages) {
    append_frame(joined, message, format);
    if (format != FeedBody::Format::kWebSocket) continue;
    const bool sent = co_await send(joined);
    if (!sent) co_return false;
    joined.clear();
  }
  if (joined.empty()) co_return true;
  const bool sent = co_await send(joined);
  co_return sent;
}

/// Waits for more; false: the client is gone.
awaitable<bool> wait_for_more(Session& session, FeedBody::Format format, const FeedSend& send) {
  const auto before = std::chrono::steady_clock::now();
  co_await session.wait(kKeepAliveMs);
  const bool quiet = std::chrono::steady_clock::now() - before >= std::chrono::milliseconds(kKeepAliveMs);
  if (!quiet || format != FeedBody::Format::kServerSentEvents) co_return true;
  const std::string comment = ":\n\n";
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

using Taken = Result<std::vector<FeedMessage>>;

/// What there is now; RESOURCE_EXHAUSTED with kBusyReason: the workers are busy, try again.
awaitable<Taken> take(Session& session, std::shared_ptr<Feed> feed) {
  if (feed->is_quick()) co_return feed->take(kMaxTaken);
  std::function<Taken()> work = [feed] { return feed->take(kMaxTaken); };
  auto taken = co_await on_worker(session, std::move(work));
  if (!taken.ok()) co_return Taken(std::move(taken).error());
  co_return *std::move(taken);
}

awaitable<void> pump_until_end(Session& session, std::shared_ptr<Feed> feed, FeedBody::Format format,
                               const FeedSend& send) {
  bool alive = true;
  while (alive && session.transport.socket().is_open()) {
    Taken taken = co_await take(session, feed);
    if (session.shared->draining) taken = draining();
    if (!taken.ok() && taken.error().reason == kBusyReason) {
      co_await session.wait(kBusyMs);
    } else if (!taken.ok()) {
      const std::string last = frame_end(taken.error(), format);
      co_await send(last);
      co_return;
    } else if (taken->empty()) {
      alive = co_await wait_for_more(session, format, send);
    } else {
      alive = co_await send_all(*taken, format, send);
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
