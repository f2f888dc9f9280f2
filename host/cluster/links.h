// The links of a node to the others of its cluster, in both directions.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "host/cluster/sender.h"
#include "host/raft/peers.h"

namespace novacron::host::cluster {

constexpr size_t kMaxIncoming = 64;  ///< connections from others; more are closed at once

/// [any] thread. A connection carries frames one way. Beside a thread that accepts there is one for each connection.
class Links final : public raft::Peers {
 public:
  struct Options {
    raft::NodeId node = 0;
    std::string cluster;  ///< its name; who has another one is turned away
    std::string listen;
    std::map<raft::NodeId, std::string> addresses = {};  ///< of the others
    LinkFiles files;
  };

  /// Listens, but hears nobody before start(). INVALID_ARGUMENT "link.certificate", "link.address".
  static Result<std::unique_ptr<Links>> create(Options options);
  ~Links() override;

  void start(Receive receive) override;
  void stop() override;
  /// To a node without an address it is dropped.
  void send(raft::NodeId to, raft::Lane lane, std::string frame) override;
  std::string address() const { return address_of(listener_).value(); }

 private:
  struct Incoming {
    std::thread thread;
    TlsSocket* socket = nullptr;
    bool is_over = false;
  };

  Links(Options options, ContextPtr context, Fd listener, Fd stop_read, Fd stop_write);
  void make_senders();
  void accept_main();
  void take_in(Fd socket);
  void forget_ended();
  void serve(Fd socket, Incoming& incoming);
  Status hear(TlsSocket& socket);
  Result<Greeting> check_greeting(const TlsSocket& socket, const std::string& frame) const;

  const Options options_;
  const ContextPtr context_;
  const Fd listener_;
  const Fd stop_read_;  ///< becomes readable when it is over
  Fd stop_write_;
  Receive receive_;
  std::thread accepting_;

  std::mutex mutex_;
  bool stopping_ = false;
  std::map<std::pair<raft::NodeId, raft::Lane>, std::unique_ptr<Sender>> senders_;
  std::list<Incoming> incoming_;
};

}  // namespace novacron::host::cluster
