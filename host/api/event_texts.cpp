#include "host/api/event_texts.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "host/contract/base64.h"
#include "host/contract/time_text.h"

namespace novacron::host::api {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr size_t kAtOnce = 64;                   ///< texts made while others wait
constexpr uint64_t kMaxInteger = 2'147'483'647;  ///< of CloudEvents
constexpr std::string_view kStateSource = R"("/v1")";

bool needs_escape(char c) {
  // All beyond ASCII too, whose encoding may be broken: as signed they are below the space.
  return static_cast<signed char>(c) < ' ' || c == '"' || c == '\\' || c == '\x7f';
}

void append_number(std::string& out, uint64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), static_cast<size_t>(end - digits.data()));
}

void append_text(std::string& out, std::string_view name, std::string_view value) {
  out.append(name);
  append_json_string(out, value);
}

void append_place(std::string& out, const bus::StatePosition& place) {
  append_number(out, place.revision);
  out += '-';
  append_number(out, place.part);
}

bool is_one_line(std::string_view text) {
  return text.find('\n') == std::string_view::npos && text.find('\r') == std::string_view::npos;
}

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  if (std::any_of(text.begin(), text.end(), needs_escape)) {
    out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return;
  }
  out.append(1, '"').append(text).append(1, '"');
}

std::string time_text(uint64_t time_ns) {
  const auto ns = static_cast<int64_t>(time_ns);
  return contract::format_timestamp({ns / kNsPerSecond, static_cast<int32_t>(ns % kNsPerSecond)});
}

bus::Cursor cursor_of(const bus::Event& event) {
  return {event.sequence, event.state};
}

std::string event_text(const bus::Event& event, std::string_view source, const EventNotes& notes) {
  std::string out;
  EventWriter(source).append(out, event, notes);
  return out;
}

EventWriter::EventWriter(std::string_view source) : source_(quoted(source)) {}

bool EventWriter::is_like_before(const bus::Event& event, bool is_plain) const {
  return is_plain && before_.is_plain && event.time_ns == before_.time_ns && event.state == before_.state &&
         event.subject == before_.type && event.tenant == before_.tenant;
}

void EventWriter::begin_run(const bus::Event& event, bool is_plain, const std::string& subject,
                            const EventNotes& notes) {
  before_ = {event.subject, event.tenant, event.state, event.time_ns, is_plain};
  middle_.assign(R"(","source":)").append(event.derived ? kStateSource : source_);
  append_text(middle_, R"(,"type":)", event.subject);
  if (!subject.empty()) append_text(middle_, R"(,"subject":)", subject);
  middle_.append(R"(,"time":")").append(time_text(event.time_ns)).append(R"(","cursor":")");
  rest_.assign(1, '-');
  append_place(rest_, event.state);
  rest_ += '"';
  if (!event.tenant.empty()) append_text(rest_, R"(,"tenant":)", event.tenant);
  if (event.revision != 0) append_number(rest_.append(R"(,"revision":")"), event.revision), rest_ += '"';
  if (!event.trace_parent.empty()) append_text(rest_, R"(,"traceparent":)", event.trace_parent);
  if (notes.missed != 0) append_number(rest_.append(R"(,"missed":)"), std::min(notes.missed, kMaxInteger));
  if (notes.restarted) rest_.append(R"(,"restarted":true)");
}

/// JSON as it is, if it is one line; bytes that are none in base64.
void EventWriter::append_data(std::string& out, std::string_view body, bool is_json) const {
  if (!is_json) {
    out.append(R"(,"datacontenttype":"application/octet-stream","data_base64":")");
    out.append(contract::base64_encode(body)).append(1, '"');
    return;
  }
  out.append(R"(,"datacontenttype":"application/json","data":)");
  if (is_one_line(body))
    out.append(body);
  else
    out.append(nlohmann::ordered_json::parse(body, nullptr, false).dump());
}

void EventWriter::append(std::string& out, const bus::Event& event, const EventNotes& notes) {
  const std::string_view body = event.body ? std::string_view(*event.body) : std::string_view();
  const auto found = json_.check(body);
  const bool is_plain =
      !event.derived && event.revision == 0 && event.trace_parent.empty() && found.subject.empty() && !notes.any();
  if (!is_like_before(event, is_plain)) begin_run(event, is_plain, found.subject, notes);
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), event.sequence).ptr;
  const std::string_view sequence(digits.data(), static_cast<size_t>(end - digits.data()));
  out.append(R"({"specversion":"1.0","id":")");
  event.derived ? append_place(out, {event.revision, event.part}) : void(out.append(sequence));
  out.append(middle_).append(sequence).append(rest_);
  if (!body.empty()) append_data(out, body, found.is_json);
  out += '}';
}

FeedText EventTexts::of(const bus::Event& event) {
  Slot& slot = slots_[event.sequence % kKept];
  if (slot.sequence == event.sequence) return slot.text;
  std::string written;
  writer_.append(written, event);
  auto text = std::make_shared<const std::string>(std::move(written));
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
