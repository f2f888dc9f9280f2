#include "host/api/event_cursor.h"

#include <charconv>

namespace novacron::host::api {
namespace {

/// A number at the front of `text`, without signs and leading zeros; takes it off.
template <class Number>
bool take_number(std::string_view& text, Number& out) {
  if (text.empty() || text[0] < '0' || text[0] > '9' || (text[0] == '0' && text.size() > 1 && text[1] != '-'))
    return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool take_dash(std::string_view& text) {
  if (!text.starts_with('-')) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Result<bus::Cursor> parse_cursor(std::string_view text) {
  bus::Cursor cursor;
  const bool fits = take_number(text, cursor.sequence) && take_dash(text) && take_number(text, cursor.state.revision) &&
                    take_dash(text) && take_number(text, cursor.state.part) && text.empty();
  if (fits) return cursor;
  return Error{Code::kInvalidArgument, "that is no cursor: give back the \"cursor\" of an event as it came",
               "events.cursor"};
}

std::string cursor_text(const bus::Cursor& cursor) {
  return std::to_string(cursor.sequence) + "-" + std::to_string(cursor.state.revision) + "-" +
         std::to_string(cursor.state.part);
}

}  // namespace novacron::host::api
