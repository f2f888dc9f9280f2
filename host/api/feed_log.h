// The newest messages of a feed as they go over the wire, made once for all clients that follow the same.
//
// Each message has a place in an order, such as a revision or a sequence, and a client is only the place behind which
// it goes on. So it may come late, fall behind or change to another log, as long as the log still reaches its place.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/api/feed.h"

namespace novacron::host::api {

/// Framed messages, and where each ends. Those of one place in the order are in one block.
struct FeedBlock {
  struct Mark {
    uint64_t order = 0;
    size_t end = 0;
  };
  std::string bytes;
  std::vector<Mark> marks;  ///< ascending; not empty

  uint64_t last() const { return marks.back().order; }
};
using FeedBlockPtr = std::shared_ptr<const FeedBlock>;  ///< immutable, and shared by all clients that get it

/// [any] thread.
class FeedLog final {
 public:
  /// Beyond either of them the oldest block goes.
  struct Limits {
    size_t messages = 0;
    size_t bytes = 0;
  };
  static constexpr size_t kKeptBytes = 256 * 1'024;  ///< when every client has read all: for those who come back
  static constexpr size_t kReadBytes = 128 * 1'024;  ///< at once, unless one block alone is longer
  static constexpr size_t kReadBlocks = 32;

  /// What else there is, made when the first client has read all else. Called with the log's lock held: its own is
  /// taken after that one, and never around a call of the log.
  class Source {
   public:
    virtual ~Source() = default;
    struct Made {
      FeedBlockPtr block;  ///< null: nothing
      uint64_t lost = 0;   ///< messages up to this place will not come; 0: none
    };
    virtual Made make() = 0;
  };

  /// `begin`: the log has what comes behind it. `source` may be null, and outlives the log's use.
  FeedLog(Limits limits, uint64_t begin, Source* source = nullptr);

  /// Wakes who waits.
  void append(FeedBlockPtr block);
  /// The source has something after it had nothing, or the log has ended.
  void wake();
  /// What is in it goes, for those who have not read it.
  void clear();
  /// All behind the place is here, or still comes.
  bool reaches(uint64_t after) const;

  /// A client.
  class Reader final {
   public:
    /// `signal` is raised when read() has something after it had nothing.
    Reader(std::shared_ptr<FeedLog> log, uint64_t after, std::shared_ptr<Signal> signal);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// What comes behind the place, which moves on; empty: nothing yet. None: the log does not reach it any more.
    std::optional<FeedPieces> read();
    uint64_t after() const { return after_; }

   private:
    const std::shared_ptr<FeedLog> log_;  ///< all clients', so it goes with the last
    uint64_t after_;
    const std::shared_ptr<Signal> signal_;  ///< shared with who raises it meanwhile
  };

 private:
  using Lock = std::lock_guard<std::mutex>;

  std::optional<FeedPieces> read(uint64_t& after);
  void add(FeedBlockPtr block);
  void drop_oldest();
  bool make();
  void wait(const std::shared_ptr<Signal>& signal, uint64_t after);
  std::optional<uint64_t> read_by_all() const;
  void trim_for_waiting();

  const Limits limits_;
  Source* const source_;
  mutable std::mutex mutex_;
  std::deque<FeedBlockPtr> blocks_;
  size_t bytes_ = 0;
  size_t messages_ = 0;
  uint64_t begin_;  ///< all behind it is here
  std::atomic<size_t> readers_ = 0;
  mutable std::mutex waiting_mutex_;  ///< of its own: who makes messages must not wait for who reads them
  std::unordered_map<std::shared_ptr<Signal>, uint64_t> waiting_;  ///< each with its place
};

}  // namespace novacron::host::api
