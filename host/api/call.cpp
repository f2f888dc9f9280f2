#include "host/api/call.h"

#include <algorithm>

namespace novacron::host::api {
namespace {

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Calls `take` with each item of a comma-separated list, until one gives true.
template <class Take>
bool any_item(std::string_view list, Take take) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (take(trim(list.substr(0, comma)))) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

std::string_view without_parameters(std::string_view media_type) {
  return trim(media_type.substr(0, media_type.find(';')));
}

std::string_view unquote(std::string_view tag) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
  return tag;
}

}  // namespace

Error method_not_allowed(const Request& request, std::string_view allowed) {
  return {Code::kInvalidArgument,
          std::string(to_string(request.method)) + " does not fit here; allowed: " + std::string(allowed),
          "http.method"};
}

bool accepts(const Request& request, std::string_view media_type) {
  return any_item(request.headers.get("Accept"),
                  [&](std::string_view item) { return equal_without_case(without_parameters(item), media_type); });
}

std::vector<std::string> items_of(std::string_view list) {
  std::vector<std::string> items;
  (void)any_item(list, [&](std::string_view item) {
    if (!item.empty()) items.emplace_back(item);
    return false;
  });
  return items;
}

FeedBody::Format feed_format(const Request& request) {
  if (request.is_websocket) return FeedBody::Format::kWebSocket;
  return accepts(request, "text/event-stream") ? FeedBody::Format::kServerSentEvents : FeedBody::Format::kLines;
}

Status check_content_type(const Request& request, std::initializer_list<std::string_view> allowed) {
  if (request.body.empty()) return {};
  const auto type = without_parameters(request.headers.get("Content-Type"));
  if (std::any_of(allowed.begin(), allowed.end(), [&](auto known) { return equal_without_case(type, known); }))
    return {};
  std::string list;
  for (const auto known : allowed) list += (list.empty() ? "" : " or ") + std::string(known);
  return Error{Code::kInvalidArgument, "the Content-Type must be " + list, "http.content-type"};
}

Result<std::string> if_match(const Request& request) {
  const auto header = trim(request.headers.get("If-Match"));
  if (header.empty() || header == "*") return std::string();
  const auto tag = unquote(header);
  if (tag.find_first_of(",\"") != std::string_view::npos)
    return Error{Code::kInvalidArgument, "If-Match takes one entity tag", "http.if-match"};
  return std::string(tag);
}

bool none_match_hits(const Request& request, std::string_view etag) {
  return any_item(request.headers.get("If-None-Match"),
                  [&](std::string_view item) { return item == "*" || unquote(item) == etag; });
}

}  // namespace novacron::host::api
