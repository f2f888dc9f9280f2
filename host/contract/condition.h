// ready_when, failed_when and field selectors: comparisons of an object's fields, compiled against its kind.
//
//   condition  = all { "||" all }
//   all        = comparison { "&&" comparison }
//   comparison = path ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) value
//   value      = ENUM_NAME | number | true | false | "text" | time
//   time       = "now" [ ( "-" | "+" ) duration ]
//
// Numbers, texts and times have an order; flags and enums have none. A time is written as JSON has it, or relative to
// now where a request asks: metadata.created_at >= "2026-01-01T00:00:00Z" && metadata.created_at < now-1h30m.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/contract/types.h"

namespace novacron::host::contract {

inline constexpr size_t kMaxConditionBytes = 4'096;
inline constexpr size_t kMaxComparisons = 64;

class Condition {
 public:
  /// INVALID_ARGUMENT says which path or value does not fit. `now_ns` is what "now" means, since 1970-01-01 UTC; 0:
  /// nothing, as in a contract, whose conditions are about an object alone.
  static Result<std::shared_ptr<const Condition>> compile(const MessageType& object, std::string_view text,
                                                          uint64_t now_ns = 0);
  ~Condition();
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  /// An absent field counts as its zero.
  bool holds(const google::protobuf::Message& object) const;
  bool reads_secrets() const;
  const std::string& text() const { return text_; }

 private:
  struct Comparison;
  struct Parser;
  Condition();
  std::string text_;
  std::vector<std::vector<Comparison>> any_of_all_;
};

enum class Convergence { kPending, kReady, kFailed };
/// How far the controller of an object has come with generation `generation`. `ready_when`: null, the kind's.
/// The parts are encoded; an empty status counts as all zeros. DATA_LOSS for parts that do not parse.
Result<Convergence> convergence(const Kind& kind, const Condition* ready_when, std::string_view metadata,
                                std::string_view spec, std::string_view status, uint64_t generation);

}  // namespace novacron::host::contract
