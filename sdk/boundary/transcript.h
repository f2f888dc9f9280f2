// What crossed the ABI, in order: one record a crossing, as lines of JSON. Ids are named in the order of their first
// appearance ("call-1"), so that two runs of the same plugin can be compared.
#pragma once

#include <novacron/plugin.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace novacron::boundary {

/// Bytes are as they crossed; in a file they are "text:…" or "hex:…".
using Value = std::variant<uint64_t, std::string>;

struct Record {
  std::string at;     ///< "invoke", "invoke.end", "host.finish"
  uint64_t lane = 0;  ///< which call into the plugin it belongs to; 0: a thread of the plugin's own
  std::vector<std::pair<std::string, Value>> fields;

  bool operator==(const Record&) const = default;
  const Value* find(std::string_view name) const;
  uint64_t number(std::string_view name) const;   ///< 0 if there is none
  std::string text(std::string_view name) const;  ///< "" if there is none
};

/// One line, without its end.
std::string to_line(const Record& record);
/// Nothing: the line is no record.
std::optional<Record> parse_record(std::string_view line);

/// [any] thread.
class Transcript final {
 public:
  /// kAsGiven: ids are numbered as the host gave them, which a replay's does as the recorded transcript named them.
  enum class Names { kByAppearance, kAsGiven };
  explicit Transcript(Names names = Names::kByAppearance) : names_by_(names) {}

  static constexpr size_t kMaxRecords = 1'000'000;
  static constexpr size_t kMaxBytes = 512 * 1'024 * 1'024;

  /// Beyond the bounds they are counted only.
  void add(Record record);
  /// "call-1": the same for the same id. 0 is "none".
  std::string name_of(const char* kind, uint64_t id);
  std::vector<Record> records() const;
  uint64_t dropped() const;

 private:
  const Names names_by_;
  mutable std::mutex mutex_;
  std::vector<Record> records_;
  size_t bytes_ = 0;
  uint64_t dropped_ = 0;
  std::map<std::pair<std::string, uint64_t>, std::string> names_;
  std::map<std::string, uint64_t> named_;
};

/// Writes one record when it ends; does nothing without a transcript.
class Entry final {
 public:
  Entry(Transcript* transcript, const char* at, uint64_t lane);
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry();

  Entry& number(const char* name, uint64_t value);
  Entry& code(nc_code value) { return number("returned", static_cast<uint64_t>(static_cast<uint32_t>(value))); }
  Entry& id(const char* name, const char* kind, uint64_t value);
  Entry& bytes(const char* name, const void* ptr, size_t length);
  Entry& text(const char* name, nc_str value) { return bytes(name, value.ptr, value.len); }
  /// Its flags, body and number of descriptors, with names that begin with `prefix`.
  Entry& message(const std::string& prefix, const nc_message* message);
  Entry& result(const nc_result& result);
  /// Now, rather than when it ends.
  void commit();

 private:
  Transcript* transcript_;
  Record record_;
};

}  // namespace novacron::boundary
