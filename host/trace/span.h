// What is recorded of a piece of work: a span of OpenTelemetry, without anything that could be a secret.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace novacron::host::trace {

constexpr size_t kMaxAttributeBytes = 256;  ///< of a text; more is cut

/// Random bytes; all zero: none.
using TraceId = std::array<uint8_t, 16>;
using SpanId = std::array<uint8_t, 8>;

/// Whether a trace is recorded: decided once, where it begins.
enum class Sampling : uint8_t { kUndecided, kNo, kYes };

/// Where in which trace something happens. The ids count only when it is recorded.
struct SpanContext {
  TraceId trace{};
  SpanId span{};
  Sampling sampling = Sampling::kUndecided;

  bool recorded() const { return sampling == Sampling::kYes; }
};

/// As OTLP numbers them.
enum class SpanKind : uint8_t { kInternal = 1, kServer = 2 };

struct Attribute {
  std::string_view key;  ///< lives as long as the process
  std::variant<std::string, int64_t> value;
};

/// Names and attributes say which mechanism did what for whom: never a body, a key, a credential, or the text of an
/// error.
struct Span {
  SpanContext context;
  SpanId parent{};
  bool remote_parent = false;
  SpanKind kind = SpanKind::kInternal;
  std::string name;
  uint64_t start_ns = 0;  ///< monotonic
  uint64_t end_ns = 0;    ///< likewise
  std::vector<Attribute> attributes = {};
  bool failed = false;
  std::string reason = {};  ///< of the failure: stable, for programs

  void set(std::string_view key, std::string_view text) {
    attributes.push_back({key, std::string(text.substr(0, kMaxAttributeBytes))});
  }
  void set(std::string_view key, int64_t number) { attributes.push_back({key, number}); }
  void fail(std::string_view why) {
    failed = true;
    reason = why.substr(0, kMaxAttributeBytes);
  }
};

}  // namespace novacron::host::trace
