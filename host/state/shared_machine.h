// The state machine with the lock that its readers and its one writer share.
#pragma once

#include <pthread.h>

#include <atomic>

#include "host/raft/types.h"
#include "host/state/machine.h"

namespace novacron::host::state {

/// A shared mutex in which a waiting writer goes before new readers: with std::shared_mutex on glibc, readers that
/// overlap for ever starve it. A thread must not take it twice.
class SharedMutex final {
 public:
  SharedMutex() {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&lock_, &attributes);
    pthread_rwlockattr_destroy(&attributes);
  }
  ~SharedMutex() { pthread_rwlock_destroy(&lock_); }
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  void lock() { pthread_rwlock_wrlock(&lock_); }
  void unlock() { pthread_rwlock_unlock(&lock_); }
  void lock_shared() { pthread_rwlock_rdlock(&lock_); }
  void unlock_shared() { pthread_rwlock_unlock(&lock_); }

 private:
  pthread_rwlock_t lock_;
};

struct SharedMachine {
  mutable SharedMutex mutex;
  Machine machine;           ///< guarded by `mutex`
  uint64_t term = 0;         ///< of the last entry applied, guarded too
  raft::Membership members;  ///< as of that entry, guarded too
  std::atomic<int> pins{0};  ///< while not 0, old versions are kept although compaction has passed them
};

}  // namespace novacron::host::state
