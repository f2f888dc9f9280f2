#include "host/api/content_encoding.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace novacron::host::api {
namespace {

constexpr int kGzipLevel = 1;  // on a worker thread, and for a network that is faster than the higher levels
constexpr int kGzipWindowBits = 15 + 16;
constexpr int kGzipMemoryLevel = 8;
constexpr int kZstdLevel = 1;
constexpr int kFullWeight = 1'000;

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// "q=0.25" as 250; what is malformed weighs nothing.
int weight_of(std::string_view parameter) {
  if (parameter.empty()) return kFullWeight;
  if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) return 0;
  parameter.remove_prefix(2);
  if (parameter == "1" || parameter.starts_with("1.")) return kFullWeight;
  if (!parameter.starts_with("0")) return 0;
  int weight = 0, scale = 100;
  for (const char c : parameter.substr(std::min<size_t>(parameter.size(), 2))) {
    if (c < '0' || c > '9' || scale == 0) return 0;
    weight += (c - '0') * scale;
    scale /= 10;
  }
  return weight;
}

struct Weights {
  std::optional<int> gzip, zstd, identity, any;

  void take(std::string_view item) {
    const size_t semicolon = item.find(';');
    const auto name = trim(item.substr(0, semicolon));
    const int weight = weight_of(semicolon == std::string_view::npos ? "" : trim(item.substr(semicolon + 1)));
    if (equal_without_case(name, "gzip") || equal_without_case(name, "x-gzip")) gzip = weight;
    if (equal_without_case(name, "zstd")) zstd = weight;
    if (equal_without_case(name, "identity")) identity = weight;
    if (name == "*") any = weight;
  }
};

bool is_text(const Response& response) {
  constexpr std::array kTypes = {"application/json", "application/problem+json", "application/openmetrics-text",
                                 "text/"};
  const auto type = response.headers.get("Content-Type");
  return std::any_of(kTypes.begin(), kTypes.end(), [&](std::string_view known) { return type.starts_with(known); });
}

/// Empty: it cannot be done.
std::string gzip(const std::string& text) {
  z_stream stream{};
  if (deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipWindowBits, kGzipMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK)
    return {};
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  out.resize(ended == Z_STREAM_END ? stream.total_out : 0);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), kZstdLevel);
  out.resize(ZSTD_isError(size) != 0 ? 0 : size);
  return out;
}

void weaken_etag(Response& response) {
  const std::string tag(response.headers.get("ETag"));
  if (!tag.empty() && !tag.starts_with("W/")) response.headers.set("ETag", "W/" + tag);
}

}  // namespace

ContentCoding choose_coding(std::string_view accept_encoding) {
  Weights weights;
  while (!accept_encoding.empty()) {
    const size_t comma = std::min(accept_encoding.find(','), accept_encoding.size());
    weights.take(accept_encoding.substr(0, comma));
    accept_encoding.remove_prefix(std::min(comma + 1, accept_encoding.size()));
  }
  const int gzip_weight = weights.gzip.value_or(weights.any.value_or(0));
  const int zstd_weight = weights.zstd.value_or(weights.any.value_or(0));
  const int best = std::max(gzip_weight, zstd_weight);
  if (best == 0 || weights.identity.value_or(0) > best) return ContentCoding::kIdentity;
  return zstd_weight == best ? ContentCoding::kZstd : ContentCoding::kGzip;
}

Response encoded(const Request& request, Response response) {
  const auto* text = std::get_if<std::string>(&response.body);
  const bool fits = text != nullptr && text->size() >= kMinEncodedBytes && text->size() <= kMaxEncodedBytes;
  if (!fits || !is_text(response) || !response.headers.get("Content-Encoding").empty()) return response;
  response.headers.set("Vary", "Accept-Encoding");
  const auto coding = choose_coding(request.headers.get("Accept-Encoding"));
  if (coding == ContentCoding::kIdentity) return response;
  const bool is_gzip = coding == ContentCoding::kGzip;
  std::string smaller = is_gzip ? gzip(*text) : zstd(*text);
  if (smaller.empty() || smaller.size() >= text->size()) return response;
  response.headers.set("Content-Encoding", is_gzip ? "gzip" : "zstd");
  weaken_etag(response);
  response.body = std::move(smaller);
  return response;
}

}  // namespace novacron::host::api
