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
#include "host/api/json_check.h"
#include "host/bus/bus.h"

namespace novacron::host::api {

/// A quoted JSON string, of any bytes.
void append_json_string(std::string& out, std::string_view text);

inline constexpr size_t kEventHeadBytes = 320;  ///< of an event's text, about, besides its body

/// What is put into an event for one client.
struct EventNotes {
  uint64_t missed = 0;     ///< lost just before this one
  bool restarted = false;  ///< the host has started anew since the event before; what it told that is not of the state
                           ///< is lost

  bool any() const { return missed != 0 || restarted; }
};

/// A CloudEvent in JSON, one line:
///
///   {"specversion":"1.0","id":"42-0","source":"/v1","type":"resource.node.put","subject":"novacron.core/Node/n1",
///    "time":"…","cursor":"…","revision":"42","datacontenttype":"application/json","data":{…}}
///
/// What derives from the state has the source "/v1" and its position as id, the same on every node and after a restart;
/// everything else `source`, the node that tells it, and its sequence there as id.
std::string event_text(const bus::Event& event, std::string_view source, const EventNotes& notes = {});

/// Writes such texts one after the other, which is faster. Of one thread at a time.
class EventWriter final {
 public:
  explicit EventWriter(std::string_view source);
  void append(std::string& out, const bus::Event& event, const EventNotes& notes = {});

 private:
  /// What its text is like, besides its sequence and its data: events come in runs of the same.
  struct Likeness {
    std::string type = {};
    std::string tenant = {};
    bus::StatePosition state = {};
    uint64_t time_ns = 0;
    bool is_plain = false;  ///< nothing else is in its text
  };
  bool is_like_before(const bus::Event& event, bool is_plain) const;
  void begin_run(const bus::Event& event, bool is_plain, const std::string& subject, const EventNotes& notes);
  void append_data(std::string& out, std::string_view body, bool is_json) const;

  std::string source_;  ///< as JSON
  JsonCheck json_;
  Likeness before_;
  std::string middle_;  ///< between the id and the cursor's sequence
  std::string rest_;    ///< from there to the data
};

bus::Cursor cursor_of(const bus::Event& event);
std::string time_text(uint64_t time_ns);

/// [any] thread. Keeps the texts of the newest events: those that several clients are about to get.
class EventTexts final {
 public:
  explicit EventTexts(std::string source) : source_(std::move(source)), writer_(source_) {}
  /// "/v1/nodes/n1"
  const std::string& source() const { return source_; }

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

  const std::string source_;
  std::mutex mutex_;  ///< held while texts are made: who else is about to make them needs the same ones
  EventWriter writer_;
  std::array<Slot, kKept> slots_;
};

}  // namespace novacron::host::api
