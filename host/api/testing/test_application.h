// An application for tests of the server: it echoes, waits, streams, and is told what to do.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/api/server.h"
#include "host/api/testing/test_client.h"

namespace novacron::host::api {

/// Messages that a test puts in.
class TestFeed final : public Feed {
 public:
  struct Tap {
    void put(std::string json) {
      {
        std::lock_guard lock(mutex);
        messages.push_back({std::make_shared<const std::string>(std::move(json)), ++count});
      }
      signal.raise();
    }
    void end(Error why) {
      {
        std::lock_guard lock(mutex);
        error = std::move(why);
      }
      signal.raise();
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<FeedMessage> messages;
    std::optional<Error> error;
    uint64_t count = 0;
    bool gone = false;
    Signal signal;
  };
  explicit TestFeed(std::shared_ptr<Tap> tap) : tap_(std::move(tap)) {}
  ~TestFeed() override {
    std::lock_guard lock(tap_->mutex);
    tap_->gone = true;
    tap_->changed.notify_all();
  }
  Result<std::vector<FeedMessage>> take(size_t max) override {
    std::lock_guard lock(tap_->mutex);
    std::vector<FeedMessage> taken;
    while (taken.size() < max && !tap_->messages.empty()) {
      taken.push_back(tap_->messages.front());
      tap_->messages.erase(tap_->messages.begin());
    }
    if (taken.empty() && tap_->error) return *tap_->error;
    return taken;
  }
  Signal& signal() override { return tap_->signal; }

 private:
  std::shared_ptr<Tap> tap_;
};

/// Collects a streamed body.
class TestSink final : public BodySink {
 public:
  Status write(std::string_view chunk) override {
    if (chunk.find("poison") != std::string_view::npos) return Error{Code::kInvalidArgument, "poison", "test.poison"};
    size_ += chunk.size();
    return {};
  }
  Response finish() override { return json_response(201, std::to_string(size_)); }

 private:
  size_t size_ = 0;
};

/// /echo, /peer, /trace, /big, /wait, /file, /feed, /feed-sse, /bridge, /generated, /messages; /stream takes a body
/// piece by piece, /pipe a large one as a stream, and says how long it was; /pipe-early answers before.
class TestApplication final : public Application {
 public:
  bool streams_body(const Request& head) const override { return head.target == "/stream"; }
  std::variant<Response, std::unique_ptr<BodySink>> begin(const Request& head) override {
    if (head.headers.get("X-Refuse") == "yes") return json_response(403, "no");
    return std::make_unique<TestSink>();
  }
  Response handle(const Request& request) override;
  bool pipes_body(const Request& head) const override { return head.target.starts_with("/pipe"); }
  std::variant<Response, std::shared_ptr<BodyPipe>> pipe(const Request& head) override;

  void open_gate() {
    std::lock_guard lock(mutex);
    gate_open = true;
    changed.notify_all();
  }
  /// Until so many requests for /wait are being handled.
  void wait_for_waiting(size_t count);

  std::mutex mutex;
  std::condition_variable changed;
  bool gate_open = false;
  size_t waiting = 0;
  std::shared_ptr<TestFeed::Tap> tap = std::make_shared<TestFeed::Tap>();
  std::string file_path;
  Fd plugin_end;

 private:
  Response wait();
  Response file() const;
  Response feed_response(const Request& request) const;
  Response bridge_response();
  Response generated(std::string first, std::optional<uint64_t> size_bytes);
  Response messages();
};

/// A server of it on a Unix socket.
struct ServerFixture {
  ServerFixture() { start({}); }
  /// Once more, with other limits.
  void start(const Limits& limits);
  ~ServerFixture() { application.open_gate(); }

  TestFolder folder;
  const std::string path = folder.path + "/api.sock";
  WorkerPool pool{{}};
  TestApplication application;
  std::unique_ptr<Server> server;
};

/// The reason in a problem; empty: it is none.
std::string reason_of(const Answer& answer);

}  // namespace novacron::host::api
