// Heads of requests: what is let through has one end, one length and one host, in whatever pieces it comes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/api/request_head.h"

namespace api = novacron::host::api;

namespace {

constexpr size_t kMaxBytes = 4'096;

void require(bool holds) {
  if (!holds) std::abort();
}

size_t occurrences(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

std::string lower(std::string_view text) {
  std::string all(text);
  std::transform(all.begin(), all.end(), all.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = api::HeadScan(kMaxBytes).scan(bytes);
  api::HeadScan in_pieces(kMaxBytes);
  auto piecewise = in_pieces.scan(bytes.substr(0, 0));
  for (size_t end = 1; end <= size && piecewise.ok() && *piecewise == 0; ++end)
    piecewise = in_pieces.scan(bytes.substr(0, end));
  require(whole.ok() == piecewise.ok() && (!whole.ok() || *whole == *piecewise));
  if (!whole.ok() || *whole == 0) return 0;
  const auto head = bytes.substr(0, *whole);
  require(head.size() <= kMaxBytes && head.ends_with("\r\n\r\n"));
  if (!api::check_head(head).ok()) return 0;
  const std::string text = lower(head);
  require(occurrences(text, "\n") == occurrences(text, "\r\n") && occurrences(text, "\r") == occurrences(text, "\r\n"));
  require(occurrences(text, "\r\n ") == 0 && occurrences(text, "\r\n\t") == 0);
  require(occurrences(text, "\r\ncontent-length:") + occurrences(text, "\r\ntransfer-encoding:") <= 1);
  require(occurrences(text, "\r\nhost:") <= 1);
  return 0;
}
