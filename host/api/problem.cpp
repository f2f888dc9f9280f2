#include "host/api/problem.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace novacron::host::api {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

struct StatusOfReason {
  std::string_view reason;
  int status;
};

// Where HTTP says more than the code does.
constexpr std::array<StatusOfReason, 16> kReasons = {{
    {"http.method", 405},
    {"http.accept", 406},
    {"http.content-type", 415},
    {"http.headers-too-large", 431},
    {"http.precondition", 412},
    {"http.upgrade-required", 426},
    {"extension.malformed", 502},
    {"api.connections", 503},
    {"api.watchers", 503},
    {"api.uploads", 503},
    {"api.draining", 503},
    {"resource.watchers", 503},
    {"state.watchers", 503},
    {"host.queue-full", 503},
    {"host.threads", 503},
    {"resource.idempotency-mismatch", 422},
}};

int status_of_code(Code code) {
  switch (code) {
    case Code::kOk:
      return 200;
    case Code::kCancelled:
      return 499;
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
      return 400;
    case Code::kDeadlineExceeded:
      return 504;
    case Code::kNotFound:
      return 404;
    case Code::kAlreadyExists:
    case Code::kAborted:
    case Code::kFailedPrecondition:
      return 409;
    case Code::kPermissionDenied:
      return 403;
    case Code::kUnauthenticated:
      return 401;
    case Code::kResourceExhausted:
      return 429;
    case Code::kUnimplemented:
      return 501;
    case Code::kUnavailable:
      return 503;
    case Code::kUnknown:
    case Code::kInternal:
    case Code::kDataLoss:
      return 500;
  }
  return 500;
}

std::string_view title_of(int status) {
  switch (status) {
    case 400:
      return "The request is not valid";
    case 401:
      return "Who are you?";
    case 403:
      return "Not allowed";
    case 404:
      return "Not found";
    case 405:
      return "The method does not fit";
    case 409:
      return "In conflict with what is there";
    case 410:
      return "No longer kept";
    case 412:
      return "It has changed";
    case 413:
      return "Too large";
    case 422:
      return "Cannot be processed";
    case 429:
      return "Too much";
    case 502:
      return "A plugin gave no proper answer";
    case 503:
      return "Not available now";
    case 504:
      return "Took too long";
    default:
      return status >= 500 ? "The host failed" : "Refused";
  }
}

}  // namespace

int http_status(const Error& error) {
  const auto found =
      std::find_if(kReasons.begin(), kReasons.end(), [&](const auto& entry) { return entry.reason == error.reason; });
  if (found != kReasons.end()) return found->status;
  if (error.code == Code::kOutOfRange && error.reason.ends_with("compacted")) return 410;
  if (error.reason.ends_with("too-large")) return 413;  // trying again would not help
  return status_of_code(error.code);
}

Response problem(const Error& error, std::string_view request_id) {
  const int status = http_status(error);
  nlohmann::ordered_json body = {
      {"type", "about:blank"},   {"title", title_of(status)},           {"status", status},
      {"detail", error.message}, {"code", host::to_string(error.code)}, {"reason", error.reason},
      {"request_id", request_id}};
  for (const auto& field : error.fields) body["fields"].push_back({{"path", field.path}, {"message", field.message}});
  Response response;
  response.status = status;
  response.headers.set("Content-Type", "application/problem+json");
  if (error.retry_after_ns > 0 || status == 429 || status == 503) {
    const uint64_t seconds = std::max<uint64_t>(1, (error.retry_after_ns + kNsPerSecond - 1) / kNsPerSecond);
    response.headers.set("Retry-After", std::to_string(seconds));
  }
  if (status == 401) response.headers.set("WWW-Authenticate", "Bearer realm=\"novacron\"");
  response.body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return response;
}

}  // namespace novacron::host::api
