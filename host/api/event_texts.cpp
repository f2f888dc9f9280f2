#include "host/api/event_texts.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/contract/base64.h"
#include "host/contract/time_text.h"

namespace novacron::host::api {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr size_t kAtOnce = 64;  ///< texts made while others wait
constexpr size_t kHeadBytes = 160;

bool needs_escape(char c) {
  return c < ' ' || c == '"' || c == '\\' || c == '\x7f';  // and all beyond ASCII, whose encoding may be broken
}

void append_number(std::string& out, std::string_view name, uint64_t value) {
  out.append(name).append(std::to_string(value));
}

void append_text(std::string& out, std::string_view name, std::string_view value) {
  out.append(name);
  append_json_string(out, value);
}

std::string time_text(uint64_t time_ns) {
  const auto ns = static_cast<int64_t>(time_ns);
  return contract::format_timestamp({ns / kNsPerSecond, static_cast<int32_t>(ns % kNsPerSecond)});
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  if (std::any_of(text.begin(), text.end(), needs_escape)) {
    out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return;
  }
  out.append(1, '"').append(text).append(1, '"');
}

void append_json_body(std::string& out, std::string_view name, std::string_view body) {
  out.append(1, '"').append(name);
  const bool one_line = body.find('\n') == std::string_view::npos && body.find('\r') == std::string_view::npos;
  if (one_line && nlohmann::json::accept(body)) {
    out.append("\":").append(body);
    return;
  }
  const auto json = nlohmann::ordered_json::parse(body, nullptr, false);
  if (json.is_discarded()) {
    out.append("_base64\":\"").append(contract::base64_encode(body)).append(1, '"');
  } else {
    out.append("\":").append(json.dump());
  }
}

std::string event_text(const bus::Event& event, uint64_t missed) {
  std::string out;
  out.reserve(kHeadBytes + event.subject.size() + (event.body ? event.body->size() : 0));
  append_number(out, "{\"sequence\":", event.sequence);
  append_text(out, ",\"subject\":", event.subject);
  append_text(out, ",\"time\":", time_text(event.time_ns));
  if (!event.tenant.empty()) append_text(out, ",\"tenant\":", event.tenant);
  if (event.revision != 0) append_number(out, ",\"revision\":", event.revision);
  if (!event.trace_parent.empty()) append_text(out, ",\"trace_parent\":", event.trace_parent);
  if (missed != 0) append_number(out, ",\"missed\":", missed);
  if (event.body && !event.body->empty()) {
    out += ',';
    append_json_body(out, "body", *event.body);
  }
  out += '}';
  return out;
}

FeedText EventTexts::of(const bus::Event& event) {
  Slot& slot = slots_[event.sequence % kKept];
  if (slot.sequence == event.sequence) return slot.text;
  auto text = std::make_shared<const std::string>(event_text(event, 0));
  if (text->size() <= kLongestKept && slot.sequence < event.sequence) slot = {event.sequence, text};
  return text;
}

std::vector<FeedText> EventTexts::of(const std::vector<bus::EventPtr>& events) {
  std::vector<FeedText> texts;
  texts.reserve(events.size());
  while (texts.size() < events.size()) {
    const size_t end = std::min(events.size(), texts.size() + kAtOnce);
    const std::lock_guard lock(mutex_);
    while (texts.size() < end) texts.push_back(of(*events[texts.size()]));
  }
  return texts;
}

}  // namespace novacron::host::api
