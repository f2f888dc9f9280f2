// What the current thread is doing inside a plugin or a service of the host. The host makes a frame around every entry,
// so that it knows who calls and whether waiting is allowed, whatever the plugin says.
#pragma once

#include <cstdint>

namespace novacron::host::plugin {

class Call;
class Crew;

enum class Where : uint8_t {
  kHost,     ///< a service of the host
  kControl,  ///< [control]
  kWorker,   ///< [worker]
  kFast,     ///< a FAST method: may not wait
  kAny,      ///< [any] code: may not wait
};

/// On the stack; the newest of a thread is its top().
class Frame final {
 public:
  /// `cause`: the call that is served, whose consequences are the calls made from here; null: none. `slot`: whose slot
  /// this thread holds; null: none. `crew`: whose worker it is; null: nobody's. All outlive the frame.
  Frame(Where where, Call* cause, Crew* slot, Crew* crew = nullptr);
  ~Frame();
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  static Frame* top();
  /// A thread that is in no frame is a plugin's own or the host's: it may wait.
  static bool may_wait();
  static uint32_t depth();

  Call* cause() const { return cause_; }
  Crew* slot() const { return slot_; }
  Crew* crew() const { return crew_; }

 private:
  const Where where_;
  Call* const cause_;
  Crew* const slot_;
  Crew* const crew_;
  Frame* const below_;
  const uint32_t depth_;
};

}  // namespace novacron::host::plugin
