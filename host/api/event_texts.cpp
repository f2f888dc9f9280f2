#include "host/api/event_texts.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/api/event_cursor.h"
#include "host/contract/base64.h"
#include "host/contract/time_text.h"

namespace novacron::host::api {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr size_t kAtOnce = 64;  ///< texts made while others wait
constexpr size_t kHeadBytes = 320;
constexpr uint64_t kMaxInteger = 2'147'483'647;  ///< of CloudEvents
constexpr std::string_view kStateSource = "/v1";

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

/// A text of a JSON object's member; empty: it has none of that name.
std::string text_in(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// "novacron.core/Node/n1", of a body that names an object.
std::string subject_of(std::string_view body) {
  if (body.empty() || body.front() != '{' || body.find("\"kind\"") == std::string_view::npos) return {};
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return {};
  const std::string kind = text_in(json, "kind");
  const std::string name = text_in(json, "name");
  return kind.empty() || name.empty() ? std::string() : kind + "/" + name;
}

void append_data(std::string& out, std::string_view body) {
  if (body.empty()) return;
  std::string data;
  append_json_body(data, "data", body);
  const bool is_json = data.starts_with("\"data\":");
  append_text(out, ",\"datacontenttype\":", is_json ? "application/json" : "application/octet-stream");
  out.append(1, ',').append(data);
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

std::string time_text(uint64_t time_ns) {
  const auto ns = static_cast<int64_t>(time_ns);
  return contract::format_timestamp({ns / kNsPerSecond, static_cast<int32_t>(ns % kNsPerSecond)});
}

bus::Cursor cursor_of(const bus::Event& event) {
  return {event.sequence, event.state};
}

std::string event_text(const bus::Event& event, std::string_view source, const EventNotes& notes) {
  const std::string_view body = event.body ? std::string_view(*event.body) : std::string_view();
  std::string out;
  out.reserve(kHeadBytes + event.subject.size() + body.size());
  const std::string sequence = std::to_string(event.sequence);
  const std::string place = std::to_string(event.revision) + "-" + std::to_string(event.part);
  append_text(out, "{\"specversion\":\"1.0\",\"id\":", event.derived ? place : sequence);
  append_text(out, ",\"source\":", event.derived ? kStateSource : source);
  append_text(out, ",\"type\":", event.subject);
  if (const std::string subject = subject_of(body); !subject.empty()) append_text(out, ",\"subject\":", subject);
  append_text(out, ",\"time\":", time_text(event.time_ns));
  append_text(out, ",\"cursor\":", cursor_text(cursor_of(event)));
  if (!event.tenant.empty()) append_text(out, ",\"tenant\":", event.tenant);
  if (event.revision != 0) append_text(out, ",\"revision\":", std::to_string(event.revision));
  if (!event.trace_parent.empty()) append_text(out, ",\"traceparent\":", event.trace_parent);
  if (notes.missed != 0) append_number(out, ",\"missed\":", std::min(notes.missed, kMaxInteger));
  if (notes.restarted) out.append(",\"restarted\":true");
  append_data(out, body);
  out += '}';
  return out;
}

FeedText EventTexts::of(const bus::Event& event) {
  Slot& slot = slots_[event.sequence % kKept];
  if (slot.sequence == event.sequence) return slot.text;
  auto text = std::make_shared<const std::string>(event_text(event, source_));
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
