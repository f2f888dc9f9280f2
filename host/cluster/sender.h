// One way to one node: frames in, connections made as they are needed.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "host/cluster/frames.h"
#include "host/cluster/tls_socket.h"

namespace novacron::host::cluster {

constexpr size_t kMaxQueuedFrames = 4'096;
constexpr size_t kMaxQueuedBytes = 32 * 1'024 * 1'024;
constexpr int kFirstRetryMs = 20;
constexpr int kLongestRetryMs = 1'000;

/// [any] thread. Its own one connects and writes. While there is no connection nothing is kept: what is said between
/// nodes soon means nothing any more, and whoever says it says it again.
class Sender final {
 public:
  Sender(SSL_CTX& context, std::string address, Greeting greeting);
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  /// Beyond the limits it is dropped.
  void send(std::string frame);
  void stop();

 private:
  void thread_main();
  Result<std::unique_ptr<TlsSocket>> connect();
  bool wait_before_retry();
  void write_queue(TlsSocket& socket);
  bool take(std::string& batch);
  void set_socket(TlsSocket* socket);

  SSL_CTX& context_;
  const std::string address_;
  const Greeting greeting_;
  int retry_ms_ = kFirstRetryMs;  ///< the thread's own
  bool is_said_ = false;          ///< likewise: that there is no connection was logged

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> queue_;
  size_t queued_bytes_ = 0;
  bool is_connected_ = false;
  bool stopping_ = false;
  TlsSocket* socket_ = nullptr;  ///< the thread's, so that stop() can end its waiting
  std::thread thread_;
};

}  // namespace novacron::host::cluster
