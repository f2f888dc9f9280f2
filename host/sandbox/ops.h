// What one end asks of the other: the first byte of a payload of kEnter and of kAsk.
#pragma once

#include <cstdint>

namespace novacron::host::sandbox {

/// Into the plugin. Answered by {i32 code, text of the error, u8 threw, text of what was thrown}, kLoad by a descriptor
/// besides.
enum class EnterOp : uint8_t {
  kIsolate = 1,  ///< the first, once, before any thread of the child is made
  kLoad,
  kCreate,
  kStart,
  kInvoke,
  kConfigure,
  kHealth,
  kQuiesce,
  kResume,
  kRestore,
  kDestroy,
  kDone,    ///< a call's completion
  kEvents,  ///< a subscription's batch
  kOnEnd,   ///< a subscription's end
  kRun,     ///< a timer's task
};

/// Functions of nc_host. What needs no answer of the host (now, random, mostly cancelled) is the sandbox's own.
enum class AskOp : uint8_t {
  kConnect = 1,
  kCall,
  kWait,
  kCancel,
  kDrop,
  kWrite,
  kRead,
  kFinish,
  kContextInfo,
  kContextHold,
  kContextDrop,
  kPublish,
  kSubscribe,
  kUnsubscribe,
  kPost,
  kUnpost,
  kFatal,
  kCancelled,  ///< of what is no call that the sandbox serves
};

/// Bits of what a plugin's table has, in the answer to kLoad.
enum TableBits : uint32_t {
  kHasCreate = 1,
  kHasInvoke = 2,
  kHasDestroy = 4,
  kHasStart = 8,
  kHasConfigure = 16,
  kHasHealth = 32,
  kHasQuiesce = 64,
  kHasResume = 128,
  kHasRestore = 256,
};

constexpr uint32_t kMaxEntered = 128;     ///< threads of the host that are in one sandbox
constexpr uint32_t kLanesWithMemory = 4;  ///< those that are used most, see LaneMemory
constexpr uint32_t kMaxOwnAsks = 32;      ///< threads of a plugin's own that ask at once; others wait in the sandbox
constexpr uint32_t kLogCredits = 1'024;   ///< lines of log that may be under way
constexpr uint64_t kCreditEveryNs = 100'000'000;  ///< how often credit is given back

}  // namespace novacron::host::sandbox
