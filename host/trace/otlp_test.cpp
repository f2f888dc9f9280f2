#include "host/trace/otlp.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace novacron::host::trace;
using nlohmann::json;

namespace {

Span sample() {
  Span span;
  span.context.trace.fill(0xab);
  span.context.span.fill(0x01);
  span.kind = SpanKind::kServer;
  span.name = "GET /x";
  span.start_ns = 1'000;
  span.end_ns = 3'000;
  return span;
}

json first_span(const std::string& text) {
  return json::parse(text)["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
}

}  // namespace

TEST_CASE("a span is as the JSON of OTLP has it: hex ids, enums and flags as numbers, 64 bits as texts") {
  auto span = sample();
  span.set("text", "value");
  span.set("number", int64_t{-5});
  const auto text = to_otlp({"node-1", "1.2.3", "abc"}, {span}, 1'700'000'000'000'000'000);
  const auto out = first_span(text);
  CHECK(out["traceId"] == "abababababababababababababababab");
  CHECK(out["spanId"] == "0101010101010101");
  CHECK_FALSE(out.contains("parentSpanId"));
  CHECK(out["kind"] == 2);
  CHECK(out["flags"] == 0x101);
  CHECK(out["startTimeUnixNano"] == "1700000000000001000");
  CHECK(out["endTimeUnixNano"] == "1700000000000003000");
  CHECK(out["attributes"] == json::parse(R"([{"key":"text","value":{"stringValue":"value"}},
                                             {"key":"number","value":{"intValue":"-5"}}])"));
  CHECK(out["status"] == json::object());
  const auto resource = json::parse(text)["resourceSpans"][0]["resource"]["attributes"];
  CHECK(resource[0] == json::parse(R"({"key":"service.name","value":{"stringValue":"novacron"}})"));
  CHECK(resource[3]["value"]["stringValue"] == "node-1");
}

TEST_CASE("a failure has its reason, and a remote parent is marked") {
  auto span = sample();
  span.parent.fill(0x02);
  span.remote_parent = true;
  span.fail("state.full");
  const auto out = first_span(to_otlp({}, {span}, 0));
  CHECK(out["parentSpanId"] == "0202020202020202");
  CHECK(out["flags"] == 0x301);
  CHECK(out["status"] == json::parse(R"({"message":"state.full","code":2})"));
}

TEST_CASE("texts are cut and never break the JSON") {
  auto span = sample();
  span.set("long", std::string(1'000, 'x'));
  span.set("broken", "\xff\"\n");
  const auto out = first_span(to_otlp({}, {span}, 0));
  CHECK(out["attributes"][0]["value"]["stringValue"].get<std::string>().size() == kMaxAttributeBytes);
}

TEST_CASE("what a collector says of rejected spans is read, and nothing else believed") {
  CHECK(rejected_spans(R"({"partialSuccess":{"rejectedSpans":"3"}})") == 3);
  CHECK(rejected_spans(R"({"partialSuccess":{"rejectedSpans":4}})") == 4);
  for (const char* body :
       {"", "{}", "null", "[]", R"({"partialSuccess":{}})", R"({"partialSuccess":3})",
        R"({"partialSuccess":{"rejectedSpans":"-3"}})", R"({"partialSuccess":{"rejectedSpans":"3x"}})"}) {
    CAPTURE(body);
    CHECK(rejected_spans(body) == 0);
  }
}
