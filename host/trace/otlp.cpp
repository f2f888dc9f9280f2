#include "host/trace/otlp.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "host/trace/trace_parent.h"

namespace novacron::host::trace {
namespace {

using nlohmann::ordered_json;

constexpr int kStatusError = 2;
constexpr uint32_t kFlagSampled = 0x1, kFlagKnowsRemote = 0x100, kFlagIsRemote = 0x200;

template <class Id>
std::string hex_of(const Id& id) {
  return hex(id.data(), id.size());
}

// Numbers of 64 bits are texts in the JSON of protobuf.
ordered_json attribute(std::string_view key, const std::variant<std::string, int64_t>& value) {
  ordered_json out = {{"key", key}};
  if (const auto* text = std::get_if<std::string>(&value)) {
    out["value"] = {{"stringValue", *text}};
  } else {
    out["value"] = {{"intValue", std::to_string(std::get<int64_t>(value))}};
  }
  return out;
}

ordered_json json_of(const Span& span, int64_t offset_ns) {
  const auto time = [offset_ns](uint64_t monotonic_ns) {
    return std::to_string(static_cast<uint64_t>(static_cast<int64_t>(monotonic_ns) + offset_ns));
  };
  ordered_json out = {{"traceId", hex_of(span.context.trace)}, {"spanId", hex_of(span.context.span)}};
  if (span.parent != SpanId{}) out["parentSpanId"] = hex_of(span.parent);
  out["flags"] = kFlagSampled | kFlagKnowsRemote | (span.remote_parent ? kFlagIsRemote : 0);
  out["name"] = span.name;
  out["kind"] = static_cast<int>(span.kind);
  out["startTimeUnixNano"] = time(span.start_ns);
  out["endTimeUnixNano"] = time(span.end_ns);
  out["attributes"] = ordered_json::array();
  for (const auto& each : span.attributes) out["attributes"].push_back(attribute(each.key, each.value));
  out["status"] = ordered_json::object();
  if (span.failed) out["status"] = {{"message", span.reason}, {"code", kStatusError}};
  return out;
}

ordered_json resource_of(const Source& source) {
  return {{"attributes",
           {attribute("service.name", "novacron"), attribute("service.version", source.version),
            attribute("service.instance.id", source.incarnation), attribute("host.name", source.node)}}};
}

}  // namespace

std::string to_otlp(const Source& source, const std::vector<Span>& spans, int64_t real_minus_monotonic_ns) {
  ordered_json scope_spans = {{"scope", {{"name", "novacron.host"}, {"version", source.version}}},
                              {"spans", ordered_json::array()}};
  for (const auto& span : spans) scope_spans["spans"].push_back(json_of(span, real_minus_monotonic_ns));
  ordered_json resource_spans = {{"resource", resource_of(source)}};
  resource_spans["scopeSpans"].push_back(std::move(scope_spans));
  ordered_json request;
  request["resourceSpans"].push_back(std::move(resource_spans));
  return request.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

uint64_t rejected_spans(std::string_view answer) {
  const auto json = nlohmann::json::parse(answer, nullptr, false);
  if (!json.is_object()) return 0;
  const auto partial = json.find("partialSuccess");
  if (partial == json.end() || !partial->is_object()) return 0;
  const auto rejected = partial->find("rejectedSpans");
  if (rejected == partial->end()) return 0;
  if (rejected->is_number_unsigned()) return rejected->get<uint64_t>();
  if (!rejected->is_string()) return 0;
  const auto& text = rejected->get_ref<const std::string&>();
  uint64_t count = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
  return failure == std::errc() && end == text.data() + text.size() ? count : 0;
}

}  // namespace novacron::host::trace
