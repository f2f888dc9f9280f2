// Events as text. Each is written out once and shared by all clients that follow it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/api/feed.h"
#include "host/bus/bus.h"

namespace novacron::host::api {

/// A quoted JSON string, of any bytes.
void append_json_string(std::string& out, std::string_view text);
/// `"name":<body>` if the body is JSON, as it is; else `"name_base64":"…"`.
void append_json_body(std::string& out, std::string_view name, std::string_view body);

/// {"sequence":1,"subject":"…","time":"…","tenant":"…","revision":1,"missed":0,"body":…}, one line.
std::string event_text(const bus::Event& event, uint64_t missed);

/// [any] thread. Keeps the texts of the newest events: those that several clients are about to get.
class EventTexts final {
 public:
  static constexpr size_t kKept = 8'192;         ///< more than the fastest of them may be ahead of the slowest
  static constexpr size_t kLongestKept = 1'024;  ///< bytes; longer ones are made for each client

  /// In their order.
  std::vector<FeedText> of(const std::vector<bus::EventPtr>& events);

 private:
  struct Slot {
    uint64_t sequence = 0;
    FeedText text;
  };
  FeedText of(const bus::Event& event);

  std::mutex mutex_;  ///< held while texts are made: who else is about to make them needs the same ones
  std::array<Slot, kKept> slots_;
};

}  // namespace novacron::host::api
