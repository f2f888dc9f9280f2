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

/// What of its text follows the cursor.
std::string body_of(std::string body) {
  const auto text = event_text(*event(1, std::move(body)), "/v1");
  const size_t type = text.find("\"datacontenttype\":") + 19;
  return text.substr(text.find(',', type) + 1);
}

}  // namespace

TEST_CASE("an event is one line of JSON with what it has and nothing else") {
  auto full = *event(7, R"({"a":1})");
  CHECK(event_text(full, "/v1/nodes/n1") ==
        R"({"specversion":"1.0","id":"7","source":"/v1/nodes/n1","type":"shop.opened",)"
        R"("time":"1970-01-01T00:00:01.5Z","cursor":"7-0-0","datacontenttype":"application/json","data":{"a":1}})");
  full.tenant = "blue";
  full.revision = 9;
  full.part = 2;
  full.derived = true;
  full.state = {9, 2};
  full.trace_parent = "00-a\"b";
  full.body = nullptr;
  CHECK(event_text(full, "/v1/nodes/n1", {3, true}) ==
        R"({"specversion":"1.0","id":"9-2","source":"/v1","type":"shop.opened","time":"1970-01-01T00:00:01.5Z",)"
        R"("cursor":"7-9-2","tenant":"blue","revision":"9","traceparent":"00-a\"b","missed":3,"restarted":true})");
}

TEST_CASE("events written one after the other have the texts that they have alone") {
  EventWriter writer("/v1/nodes/n1");
  std::vector<bus::Event> events(9, *event(7));
  for (size_t i = 0; i < events.size(); ++i) events[i].sequence = 7 + i;
  events[2].tenant = "blue";
  events[3].subject = "shop.closed";
  events[4].time_ns = 2'000'000'000;
  events[5].state = {3, 1};
  events[6].revision = 4;
  events[6].derived = true;
  events[7].body = std::make_shared<const std::string>(R"({"kind":"shop/Robot","name":"r1"})");
  for (size_t round = 0; round < 2; ++round) {
    for (const auto& each : events) {
      std::string text;
      writer.append(text, each, {round * 3, false});
      CHECK(text == event_text(each, "/v1/nodes/n1", {round * 3, false}));
    }
  }
}

TEST_CASE("an event is about the object that its body names") {
  const auto about = [](const char* body) { return event_text(*event(1, body), "/v1").find("\"subject\""); };
  CHECK(event_text(*event(1, R"({"kind":"shop/Robot","name":"r1"})"), "/v1").find(R"("subject":"shop/Robot/r1")") !=
        std::string::npos);
  CHECK(about(R"({"kind":"shop/Robot"})") == std::string::npos);
  CHECK(about(R"({"kind":5,"name":"r1"})") == std::string::npos);
  CHECK(about(R"({"kind")") == std::string::npos);
}

TEST_CASE("a body is passed on as it is if that is JSON in one line") {
  CHECK(body_of(R"({ "b":1.50, "a":"é" })") == R"("data":{ "b":1.50, "a":"é" }})");
  CHECK(body_of("{\n \"b\": 1,\r\n\"a\": [2]}") == R"("data":{"b":1,"a":[2]}})");
  CHECK(body_of("{\"a\":") == R"("data_base64":"eyJhIjo="})");
  CHECK(body_of("1 2") == R"("data_base64":"MSAy"})");
  CHECK(body_of("\"\xff\"") == R"("data_base64":"Iv8i"})");
  CHECK(body_of("\n") == R"("data_base64":"Cg=="})");
}

TEST_CASE("a string of any bytes becomes JSON") {
  std::string out;
  append_json_string(out, "a\"b\\c\n\xff");
  CHECK(out == "\"a\\\"b\\\\c\\n\xEF\xBF\xBD\"");
}

TEST_CASE("clients that follow the same events share their texts") {
  EventTexts texts("/v1/nodes/n1");
  const std::vector<bus::EventPtr> events = {event(1), event(2), event(3)};
  const auto first = texts.of(events);
  const auto second = texts.of({events[1], events[2]});
  REQUIRE(first.size() == 3);
  CHECK(*first[2] == event_text(*events[2], "/v1/nodes/n1"));
  CHECK(first[1].get() == second[0].get());
  CHECK(first[2].get() == second[1].get());
}

TEST_CASE("texts of old and of long events are made for each client, and push no newer ones out") {
  EventTexts texts("/v1/nodes/n1");
  const auto fresh = event(EventTexts::kKept + 5);
  const auto old = event(5);
  const auto kept = texts.of({fresh});
  CHECK(*texts.of({old})[0] == event_text(*old, "/v1/nodes/n1"));
  CHECK(texts.of({fresh})[0].get() == kept[0].get());
  const auto large = event(6, '"' + std::string(EventTexts::kLongestKept, 'x') + '"');
  CHECK(texts.of({large})[0].get() != texts.of({large})[0].get());
}
