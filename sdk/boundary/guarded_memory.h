// Memory that is lent to a plugin: each loan is a mapping of its own that ends at a page which faults, is read-only,
// and faults altogether once it is over. So an access beyond it, a write to it, and one that comes too late are caught
// in the very instruction.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace novacron::boundary {

/// Which loan an address belongs to.
struct Loaned {
  const char* what = nullptr;  ///< "the body of a request"
  size_t length = 0;
  int64_t offset = 0;  ///< of the address, from the loan's begin
  bool is_over = false;
};

/// [any] thread.
class GuardedMemory final {
 public:
  static constexpr size_t kMaxLoans = 8'192;  ///< those that run and those that are over and still watched

  GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;
  ~GuardedMemory();

  /// A writable copy; `what` is a literal. Null: no memory, or too many loans run.
  void* lend(const void* bytes, size_t length, const char* what);
  /// From now on it can be read only.
  void seal(const void* loan);
  /// From now on it cannot be touched.
  void end(const void* loan);
  size_t running() const;

  /// For a signal handler: takes no lock and no memory.
  bool explain(const void* address, Loaned& out) const;

 private:
  struct Region {
    std::atomic<uintptr_t> begin{0};  ///< of the mapping; 0: unused
    std::atomic<uintptr_t> data{0};
    std::atomic<size_t> length{0};
    std::atomic<size_t> mapped{0};  ///< with the guard page
    std::atomic<const char*> what{nullptr};
    std::atomic<bool> is_over{false};
  };

  size_t free_region();

  mutable std::mutex mutex_;
  std::unique_ptr<Region[]> regions_;
  size_t used_ = 0;
  std::deque<size_t> over_;                          // the longest over first
  std::unordered_map<const void*, size_t> running_;  // by the address that was given
};

}  // namespace novacron::boundary
