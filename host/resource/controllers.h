// Which plugins act on which kinds, and what users are told of a kind on which nobody acts now: the condition
// ControllerUnavailable, in the status of its objects.
//
// The condition is computed when somebody reads, and stored nowhere, so that the end of a plugin writes no object. A
// kind has a controller when its status has `conditions`; the controller is whoever may write that status.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "host/auth/context.h"
#include "host/base/clock.h"
#include "host/resource/object.h"

namespace novacron::host::resource {

inline constexpr std::string_view kControllerUnavailable = "ControllerUnavailable";

/// [any] thread.
class Controllers {
 public:
  explicit Controllers(const Clock& clock) : started_at_ns_(clock.real_ns()) {}

  enum class State { kActs, kIdle };
  /// `since_ns`: when the plugin came into the state, since 1970-01-01 UTC.
  void set(const std::string& plugin, const auth::Grant& grant, State state, uint64_t since_ns);
  /// It is no longer installed.
  void forget(const std::string& plugin, uint64_t since_ns);

  /// False while plugins are being taken up at the start: who acts is not known yet, so tell() says nothing. True
  /// unless set.
  void set_known(bool known);

  /// Another one when tell() may add another condition than before.
  uint64_t version() const {
    const std::lock_guard lock(mutex_);
    return version_;
  }

  /// Adds the condition to the object's status where it holds.
  void tell(ObjectView& object) const;

 private:
  struct Controller {
    std::set<std::string> kinds;  ///< "*": all
    State state = State::kIdle;
    uint64_t since_ns = 0;
    bool acts_on(const std::string& kind) const { return kinds.contains(kind) || kinds.contains("*"); }
  };
  struct Absence {
    std::string message;
    uint64_t since_ns = 0;
  };
  bool absence_of(const std::string& kind, Absence& absence) const;

  const uint64_t started_at_ns_;
  mutable std::mutex mutex_;
  std::map<std::string, Controller> controllers_;  ///< by plugin
  bool is_known_ = true;
  uint64_t version_ = 0;
  uint64_t forgotten_at_ns_ = 0;  ///< when the last one was
};

}  // namespace novacron::host::resource
