#include "host/cli/client.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <random>

#include "host/cli/object_view.h"

namespace novacron::host::cli {
namespace {

using nlohmann::json;

constexpr int kHighestCode = 16;

Code code_of_status(unsigned status) {
  switch (status) {
    case 400:
    case 405:
    case 406:
    case 415:
    case 422:
      return Code::kInvalidArgument;
    case 401:
      return Code::kUnauthenticated;
    case 403:
      return Code::kPermissionDenied;
    case 404:
      return Code::kNotFound;
    case 408:
    case 504:
      return Code::kDeadlineExceeded;
    case 409:
    case 412:
      return Code::kAborted;
    case 410:
      return Code::kOutOfRange;
    case 413:
    case 429:
      return Code::kResourceExhausted;
    case 501:
      return Code::kUnimplemented;
    case 502:
    case 503:
      return Code::kUnavailable;
    default:
      return Code::kInternal;
  }
}

Code code_of(const std::string& name, unsigned status) {
  for (int number = 1; number <= kHighestCode; ++number) {
    if (to_string(static_cast<Code>(number)) == name) return static_cast<Code>(number);
  }
  return code_of_status(status);
}

Error error_of_problem(const json& problem, unsigned status) {
  Error error{code_of(text_at(problem, "code"), status), text_at(problem, "detail"), text_at(problem, "reason")};
  if (error.message.empty()) error.message = text_at(problem, "title");
  if (error.message.empty()) error.message = "the host answered with status " + std::to_string(status);
  const json& fields = value_at(problem, "fields");
  if (fields.is_array()) {
    for (const json& field : fields) error.fields.push_back({text_at(field, "path"), text_at(field, "message")});
  }
  return error;
}

/// A new name for a change: 128 random bits.
std::string new_key() {
  std::random_device device;
  constexpr char kHex[] = "0123456789abcdef";
  std::string key;
  for (int word = 0; word < 4; ++word) {
    for (uint32_t bits = device(), digit = 0; digit < 8; ++digit, bits >>= 4) key += kHex[bits & 15];
  }
  return key;
}

Result<json> body_of(const HttpResponse& response) {
  if (response.body.empty()) return json();
  json body = json::parse(response.body, nullptr, false);
  if (!body.is_discarded()) return body;
  return Error{Code::kInternal, "the host's answer is no JSON; is it a NovaCron host?", "cli.answer"};
}

bool is_worth_repeating(const Result<HttpResponse>& response) {
  if (response.ok()) return response->status == 503 || response->status == 502 || response->status == 429;
  return response.code() == Code::kUnavailable && response.error().reason != kCertificateReason;
}

uint64_t retry_delay_ms(const Result<HttpResponse>& response, int attempt) {
  uint64_t delay = kFirstRetryMs << attempt;
  if (response.ok()) {
    const std::string advice = response->header("Retry-After");
    const bool seconds =
        !advice.empty() && advice.size() <= 4 && advice.find_first_not_of("0123456789") == std::string::npos;
    if (seconds) delay = std::max<uint64_t>(delay, std::stoull(advice) * 1000);
  }
  return std::min(delay, kMaxRetryMs);
}

std::optional<WatchEvent::Type> watch_type(const std::string& name) {
  if (name == "PUT") return WatchEvent::Type::kPut;
  if (name == "DELETED") return WatchEvent::Type::kDeleted;
  if (name == "BOOKMARK") return WatchEvent::Type::kBookmark;
  return std::nullopt;
}

}  // namespace

Error error_of(const HttpResponse& response) {
  const json problem = json::parse(response.body, nullptr, false);
  return error_of_problem(problem.is_object() ? problem : json::object(), response.status);
}

Client::Client(std::unique_ptr<Transport> transport, std::string token, std::function<void(uint64_t)> sleep_ms)
    : transport_(std::move(transport)), token_(std::move(token)), sleep_ms_(std::move(sleep_ms)) {}

Client::~Client() = default;

Headers Client::authorized() const {
  if (token_.empty()) return {};
  return {{"Authorization", "Bearer " + token_}};
}

Result<HttpResponse> Client::attempt(const HttpRequest& request) {
  for (int attempt = 0;; ++attempt) {
    auto response = transport_->send(request);
    if (attempt + 1 >= request.max_attempts || !is_worth_repeating(response)) return response;
    sleep_ms_(retry_delay_ms(response, attempt));
  }
}

Result<HttpResponse> Client::fetch(HttpRequest request, const std::vector<unsigned>& also_fine) {
  for (auto& header : authorized()) request.headers.push_back(std::move(header));
  HttpResponse response = TRY(attempt(request));
  const bool fine =
      response.status / 100 == 2 || std::find(also_fine.begin(), also_fine.end(), response.status) != also_fine.end();
  if (!fine) return error_of(response);
  return response;
}

Result<json> Client::get(const std::string& target, uint64_t timeout_ms) {
  HttpRequest request{.target = target, .timeout_ms = timeout_ms};
  request.headers = {{"Accept", "application/json"}};
  return body_of(TRY(fetch(std::move(request))));
}

Result<json> Client::change(const Change& change) {
  HttpRequest request{.method = change.method, .target = change.target, .timeout_ms = change.timeout_ms};
  request.headers = {{"Accept", "application/json"}, {"Idempotency-Key", new_key()}};
  request.body = change.body;
  if (!change.body.empty()) request.headers.emplace_back("Content-Type", change.content_type);
  if (!change.if_match.empty()) request.headers.emplace_back("If-Match", "\"" + change.if_match + "\"");
  const HttpResponse response = TRY(fetch(std::move(request)));
  json body = TRY(body_of(response));
  const json& plan = value_at(body, "plan");
  plan_ = plan.is_object() ? plan.dump(-1, ' ', false, json::error_handler_t::replace) : "";
  if (body.is_object()) body.erase("plan");
  return body;
}

Result<ObjectList> Client::list(const std::string& collection, const std::string& label_selector, const Query& more) {
  ObjectList all;
  std::string page_token;
  for (size_t page = 0; page < kMaxPages; ++page) {
    Query query = {
        {"label_selector", label_selector}, {"limit", std::to_string(kPageSize)}, {"page_token", page_token}};
    query.insert(query.end(), more.begin(), more.end());
    json body = TRY(get(with_query(collection, query)));
    if (page == 0) all.revision = number_at(body, "revision");
    for (json& object : body["items"]) all.objects.push_back(std::move(object));
    page_token = text_at(body, "next_page_token");
    if (page_token.empty()) return all;
  }
  return Error{Code::kResourceExhausted, "the list is too long: narrow it with -l"};
}

Status Client::lines(const std::string& target, uint64_t idle_ms, const std::function<Flow(const json&)>& sink) {
  std::optional<Error> error;
  bool stopped = false;
  const auto on_line = [&](std::string_view line) {
    const json value = json::parse(line, nullptr, false);
    const bool events_ended = text_at(value, "type") == "novacron.events.ended";
    if (events_ended || text_at(value, "type") == "ERROR") {
      const json& problem = value_at(value, events_ended ? "data" : "error");
      error = error_of_problem(problem, static_cast<unsigned>(number_at(problem, "status")));
      return Flow::kStop;
    }
    if (!value.is_object()) error = Error{Code::kInternal, "the host sent a line that is no JSON object", "cli.answer"};
    stopped = !error && sink(value) == Flow::kStop;
    return error || stopped ? Flow::kStop : Flow::kContinue;
  };
  HttpRequest request{.target = target, .headers = authorized(), .timeout_ms = idle_ms};
  request.headers.emplace_back("Accept", "application/x-ndjson");
  const HttpResponse response = TRY(transport_->stream_lines(request, on_line));
  if (error) return *std::move(error);
  if (response.status / 100 != 2) return error_of(response);
  if (stopped) return {};
  return Error{Code::kUnavailable, "the host ended the stream", kUnreachableReason};
}

Status Client::watch(const std::string& collection, const Query& which, uint64_t after_revision, uint64_t idle_ms,
                     const std::function<Flow(const WatchEvent&)>& sink) {
  Query query = {{"watch", "true"}, {"after_revision", std::to_string(after_revision)}};
  query.insert(query.end(), which.begin(), which.end());
  return lines(with_query(collection, query), idle_ms, [&](const json& line) {
    const auto type = watch_type(text_at(line, "type"));
    if (!type) return Flow::kContinue;
    return sink({*type, value_at(line, "object"), number_at(line, "revision")});
  });
}

Status Client::terminal(TerminalSession session) {
  for (auto& header : authorized()) session.headers.push_back(std::move(header));
  const HttpResponse response = TRY(transport_->terminal(session));
  if (response.status != 101) return error_of(response);
  return {};
}

}  // namespace novacron::host::cli
