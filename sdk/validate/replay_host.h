// The host of a replay: its functions give what a transcript says that they gave.
#pragma once

#include <novacron/plugin.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sdk/boundary/transcript.h"

namespace novacron::validate {

/// Ids are the numbers of their names: "call-3" is 3.
uint64_t id_in(const boundary::Record& record, std::string_view field);

/// A message as a record has it. Its body lives as long as this; descriptors are of /dev/null, and the receiver's.
class ReplayedMessage final {
 public:
  explicit ReplayedMessage(const boundary::Record& record);
  /// Null: the record has none.
  const nc_message* raw() const { return has_message_ ? &raw_ : nullptr; }

 private:
  std::string body_;
  nc_message raw_{};
  bool has_message_ = false;
};

/// A result as a record has it.
class ReplayedResult final {
 public:
  explicit ReplayedResult(const boundary::Record& record);
  const nc_result& raw() const { return raw_; }

 private:
  const ReplayedMessage message_;
  const std::string reason_, text_, detail_;
  nc_result raw_{};
};

/// [any] thread.
class ReplayHost final {
 public:
  explicit ReplayHost(const std::vector<boundary::Record>& recorded);
  ReplayHost(const ReplayHost&) = delete;
  ReplayHost& operator=(const ReplayHost&) = delete;

  const nc_host* table() const { return &table_; }

  struct Completion {
    void* ctx = nullptr;
    void (*done)(void* ctx, nc_call call, const nc_result* result) = nullptr;
  };
  /// What the plugin gave with call(), subscribe() and post(); empty if it did not.
  Completion completion(nc_call call) const;
  nc_interest interest(uint64_t listener) const;
  nc_task task(uint64_t timing) const;

 private:
  friend struct ReplayTable;
  /// The next record of this thread's lane, if it is of this function. Null: the plugin does something else than then.
  const boundary::Record* next(const char* at);
  nc_code code_of(const char* at);
  template <class T>
  const T& keep(std::unique_ptr<T> value, std::vector<std::unique_ptr<T>>& kept);

  mutable std::mutex mutex_;
  std::map<uint64_t, std::vector<const boundary::Record*>> lanes_;
  std::map<uint64_t, size_t> at_;
  std::map<nc_call, Completion> completions_;
  std::map<uint64_t, nc_interest> interests_;
  std::map<uint64_t, nc_task> tasks_;
  std::vector<std::unique_ptr<ReplayedMessage>> messages_;
  std::vector<std::unique_ptr<ReplayedResult>> results_;
  std::vector<std::unique_ptr<std::string>> texts_;
  nc_host table_;
};

}  // namespace novacron::validate
