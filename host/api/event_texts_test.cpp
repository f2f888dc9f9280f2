#include "host/api/event_texts.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

bus::EventPtr event(uint64_t sequence, std::string body = "{}") {
  auto made = std::make_shared<bus::Event>();
  made->subject = "shop.opened";
  made->sequence = sequence;
  made->time_ns = 1'500'000'000;
  made->body = std::make_shared<const std::string>(std::move(body));
  return made;
}

std::string body_of(std::string body) {
  std::string out;
  append_json_body(out, "body", body);
  return out;
}

}  // namespace

TEST_CASE("an event is one line of JSON with what it has and nothing else") {
  auto full = *event(7, R"({"a":1})");
  CHECK(event_text(full, 0) ==
        R"({"sequence":7,"subject":"shop.opened","time":"1970-01-01T00:00:01.5Z","body":{"a":1}})");
  full.tenant = "blue";
  full.revision = 9;
  full.trace_parent = "00-a\"b";
  full.body = nullptr;
  CHECK(event_text(full, 3) == R"({"sequence":7,"subject":"shop.opened","time":"1970-01-01T00:00:01.5Z",)"
                               R"("tenant":"blue","revision":9,"trace_parent":"00-a\"b","missed":3})");
}

TEST_CASE("a body is passed on as it is if that is JSON in one line") {
  CHECK(body_of(R"({ "b":1.50, "a":"é" })") == R"("body":{ "b":1.50, "a":"é" })");
  CHECK(body_of("{\n \"b\": 1,\r\n\"a\": [2]}") == R"("body":{"b":1,"a":[2]})");
  CHECK(body_of("{\"a\":") == R"("body_base64":"eyJhIjo=")");
  CHECK(body_of("1 2") == R"("body_base64":"MSAy")");
  CHECK(body_of("\"\xff\"") == R"("body_base64":"Iv8i")");
  CHECK(body_of("\n") == R"("body_base64":"Cg==")");
}

TEST_CASE("a string of any bytes becomes JSON") {
  std::string out;
  append_json_string(out, "a\"b\\c\n\xff");
  CHECK(out == "\"a\\\"b\\\\c\\n\xEF\xBF\xBD\"");
}

TEST_CASE("clients that follow the same events share their texts") {
  EventTexts texts;
  const std::vector<bus::EventPtr> events = {event(1), event(2), event(3)};
  const auto first = texts.of(events);
  const auto second = texts.of({events[1], events[2]});
  REQUIRE(first.size() == 3);
  CHECK(*first[2] == event_text(*events[2], 0));
  CHECK(first[1].get() == second[0].get());
  CHECK(first[2].get() == second[1].get());
}

TEST_CASE("texts of old and of long events are made for each client, and push no newer ones out") {
  EventTexts texts;
  const auto fresh = event(EventTexts::kKept + 5);
  const auto old = event(5);
  const auto kept = texts.of({fresh});
  CHECK(*texts.of({old})[0] == event_text(*old, 0));
  CHECK(texts.of({fresh})[0].get() == kept[0].get());
  const auto large = event(6, '"' + std::string(EventTexts::kLongestKept, 'x') + '"');
  CHECK(texts.of({large})[0].get() != texts.of({large})[0].get());
}
