// Finds circles of waiting. Three kinds of edges:
//
//   a wait → the call waited for (at the callee's end: → the slot of its caller)
//   a call → while it is queued: the wait of who holds the callee's slot
//            while invoke() runs: the wait of the thread in it
//            afterwards: the calls that are its consequences, and the wait of who holds the callee's slot
//   the slot of a plugin → the wait of the thread that holds it
//
// A circle cannot end by itself (except by a thread of a plugin's own, which the host does not see): the youngest call
// on it ends with ABORTED "host.deadlock".
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "host/plugin/call.h"

namespace novacron::host::plugin {

class Frame;

/// [any] thread. Its lock is taken before that of a call, never after.
class WaitGraph final {
 public:
  /// A thread that is about to block; on its stack.
  class Wait final {
   public:
    Wait(WaitGraph& graph, Call& call, End end, WaitFor what, size_t size);
    ~Wait();
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

   private:
    friend class WaitGraph;
    WaitGraph& graph_;
    Call& call_;
    const End end_;
    const WaitFor what_;
    const size_t size_;
    Crew* const slot_;   ///< that the thread holds; may be null
    Call* const cause_;  ///< that the thread serves; may be null
  };

  /// `call` was delivered and has no result yet. `cause` may be null.
  void pending(Call* cause, const std::shared_ptr<Call>& call);
  /// invoke() returned before the result came.
  void returned(const std::shared_ptr<Call>& call);

 private:
  class Search;
  void add(const Wait& wait);
  void remove(const Wait& wait);
  static void abort(const std::shared_ptr<Call>& youngest);

  std::mutex mutex_;
  std::unordered_map<const Crew*, const Wait*> by_slot_;
  std::unordered_multimap<const Call*, const Wait*> by_cause_;
};

}  // namespace novacron::host::plugin
