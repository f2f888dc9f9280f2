#include "host/api/problem.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/api/call.h"
#include "host/api/tracing.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

Error error_of(Code code, std::string reason) {
  return {code, "what is wrong", std::move(reason)};
}

nlohmann::json body_of(const Response& response) {
  return nlohmann::json::parse(std::get<std::string>(response.body));
}

}  // namespace

TEST_CASE("Each code has its status, and some reasons one of their own") {
  struct Row {
    Code code;
    const char* reason;
    int status;
  };
  const Row rows[] = {
      {Code::kInvalidArgument, "field.invalid", 400},
      {Code::kUnauthenticated, "auth.required", 401},
      {Code::kPermissionDenied, "auth.denied", 403},
      {Code::kNotFound, "resource.not-found", 404},
      {Code::kInvalidArgument, "http.method", 405},
      {Code::kDeadlineExceeded, "", 504},
      {Code::kAlreadyExists, "resource.exists", 409},
      {Code::kAborted, "resource.conflict", 409},
      {Code::kFailedPrecondition, "plugin.requires", 409},
      {Code::kOutOfRange, "state.compacted", 410},
      {Code::kOutOfRange, "resource.page-size", 400},
      {Code::kAborted, "http.precondition", 412},
      {Code::kInvalidArgument, "http.body-too-large", 413},
      {Code::kInvalidArgument, "http.content-type", 415},
      {Code::kInvalidArgument, "resource.idempotency-mismatch", 422},
      {Code::kInvalidArgument, "http.upgrade-required", 426},
      {Code::kResourceExhausted, "auth.too-many-failures", 429},
      {Code::kResourceExhausted, "host.queue-full", 503},
      {Code::kResourceExhausted, "resource.watchers", 503},
      {Code::kResourceExhausted, "resource.too-large", 413},
      {Code::kInternal, "extension.malformed", 502},
      {Code::kCancelled, "", 499},
      {Code::kInternal, "", 500},
      {Code::kUnknown, "", 500},
      {Code::kDataLoss, "", 500},
      {Code::kUnimplemented, "", 501},
      {Code::kUnavailable, "plugin.no-provider", 503},
  };
  for (const auto& row : rows) {
    INFO(to_string(row.code) << " " << row.reason);
    CHECK(http_status(error_of(row.code, row.reason)) == row.status);
  }
}

TEST_CASE("A problem says what, which fields, and in which request") {
  Error error = error_of(Code::kInvalidArgument, "field.invalid");
  error.fields = {{"spec.size", "must be at least 1"}, {"metadata.name", "is required"}};
  const auto response = problem(error, "r-1");
  CHECK(response.status == 400);
  CHECK(response.headers.get("content-type") == "application/problem+json");
  CHECK(body_of(response) == nlohmann::json::parse(R"({
    "type": "about:blank", "title": "The request is not valid", "status": 400, "detail": "what is wrong",
    "code": "INVALID_ARGUMENT", "reason": "field.invalid", "request_id": "r-1",
    "fields": [{"path": "spec.size", "message": "must be at least 1"},
               {"path": "metadata.name", "message": "is required"}]})"));
}

TEST_CASE("Text that is no UTF-8 does not break a problem") {
  const auto response = problem({Code::kInternal, "bad \xff byte", ""}, "r");
  CHECK(body_of(response)["detail"].get<std::string>().find("bad ") == 0);
}

TEST_CASE("A problem says when to come back and how to authenticate") {
  Error busy = error_of(Code::kResourceExhausted, "auth.too-many-failures");
  busy.retry_after_ns = 1'500'000'000;
  CHECK(problem(busy, "").headers.get("Retry-After") == "2");
  CHECK(problem(error_of(Code::kUnavailable, ""), "").headers.get("Retry-After") == "1");
  CHECK(problem(error_of(Code::kResourceExhausted, "resource.watchers"), "").headers.get("Retry-After") == "1");
  CHECK(problem(error_of(Code::kNotFound, ""), "").headers.get("Retry-After").empty());
  CHECK(problem(error_of(Code::kUnauthenticated, ""), "").headers.get("WWW-Authenticate") ==
        "Bearer realm=\"novacron\"");
}

TEST_CASE("Entity tags are compared without quotes and weakness") {
  Request request;
  request.headers.set("If-None-Match", "\"a-1\", W/\"b-2\"");
  CHECK(none_match_hits(request, "a-1"));
  CHECK(none_match_hits(request, "b-2"));
  CHECK_FALSE(none_match_hits(request, "a"));
  request.headers.set("If-None-Match", "*");
  CHECK(none_match_hits(request, "anything"));
  CHECK(if_match(request).value().empty());
  request.headers.set("If-Match", "\"a-1\"");
  CHECK(if_match(request).value() == "a-1");
  request.headers.set("If-Match", "*");
  CHECK(if_match(request).value().empty());
  request.headers.set("If-Match", "\"a-1\", \"b-2\"");
  CHECK(if_match(request).error().reason == "http.if-match");
  request.headers.set("If-Match", "\"a-1\"b");
  CHECK(if_match(request).error().reason == "http.if-match");
}

TEST_CASE("The client's Accept chooses how a feed comes") {
  Request request;
  CHECK(feed_format(request) == FeedBody::Format::kLines);
  request.headers.set("Accept", "text/html, Text/Event-Stream;q=0.9");
  CHECK(feed_format(request) == FeedBody::Format::kServerSentEvents);
  request.is_websocket = true;
  CHECK(feed_format(request) == FeedBody::Format::kWebSocket);
}

TEST_CASE("A body has to be of a type that is understood") {
  Request request;
  CHECK(check_content_type(request, {"application/json"}).ok());
  request.body = "{}";
  CHECK(check_content_type(request, {"application/json"}).error().reason == "http.content-type");
  request.headers.set("Content-Type", "Application/JSON; charset=utf-8");
  CHECK(check_content_type(request, {"application/json"}).ok());
}

TEST_CASE("Trace parents and request ids are well formed or not ours") {
  CHECK(is_trace_parent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  for (const char* text : {"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
                           "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                           "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}) {
    INFO(text);
    CHECK_FALSE(is_trace_parent(text));
  }
  CHECK(is_request_id("a-B_9."));
  CHECK_FALSE(is_request_id(""));
  CHECK_FALSE(is_request_id("a b"));
  CHECK_FALSE(is_request_id(std::string(65, 'a')));
}
