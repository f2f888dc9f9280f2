// The host's REST interface: JSON in and out, problems as Errors, lists page by page, watches line by line.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/result.h"
#include "host/cli/transport.h"
#include "host/cli/url.h"

namespace novacron::host::cli {

inline constexpr uint64_t kFirstRetryMs = 100;
inline constexpr uint64_t kMaxRetryMs = 5'000;
inline constexpr size_t kPageSize = 500;
inline constexpr size_t kMaxPages = 2'000;

/// A change that is to be made. It carries a key by which the host recognizes a repetition, so that it is sent again
/// when the answer was lost.
struct Change {
  std::string method;
  std::string target;
  std::string body = {};
  std::string content_type = "application/json";
  std::string if_match = {};
  uint64_t timeout_ms = kDefaultRequestTimeoutMs;
};

inline constexpr const char* kMergePatch = "application/merge-patch+json";
inline constexpr const char* kJsonPatch = "application/json-patch+json";
inline constexpr const char* kApplyPatch = "application/apply-patch+json";

struct ObjectList {
  std::vector<nlohmann::json> objects;
  uint64_t revision = 0;  ///< watch after it
};

struct WatchEvent {
  enum class Type { kPut, kDeleted, kBookmark };
  Type type = Type::kPut;
  const nlohmann::json& object;  ///< valid during the call; null for a bookmark
  uint64_t revision = 0;
};

/// The Error of a response that is no success.
Error error_of(const HttpResponse& response);

/// [one thread]
class Client {
 public:
  Client(std::unique_ptr<Transport> transport, std::string token, std::function<void(uint64_t ms)> sleep_ms);
  ~Client();

  Result<nlohmann::json> get(const std::string& target, uint64_t timeout_ms = kDefaultRequestTimeoutMs);
  /// The response itself: a success, or one of the given statuses.
  Result<HttpResponse> fetch(HttpRequest request, const std::vector<unsigned>& also_fine = {});
  /// The body of the answer; null if it has none.
  Result<nlohmann::json> change(const Change& change);
  /// What the last change would do, if it was a dry run: the JSON of its plan; empty: none.
  std::string take_plan() { return std::exchange(plan_, {}); }
  /// `more` narrows, orders or dates it.
  Result<ObjectList> list(const std::string& collection, const std::string& label_selector, const Query& more = {});
  /// Until the sink stops it, `idle_ms` pass without a line (DEADLINE_EXCEEDED), or the host ends it (UNAVAILABLE).
  /// OUT_OF_RANGE: the host no longer knows what came after that revision.
  /// `which`: label_selector and field_selector.
  Status watch(const std::string& collection, const Query& which, uint64_t after_revision, uint64_t idle_ms,
               const std::function<Flow(const WatchEvent&)>& sink);
  /// Lines of JSON; an {"type":"ERROR"} line is the end and its problem is the error.
  Status lines(const std::string& target, uint64_t idle_ms, const std::function<Flow(const nlohmann::json&)>& sink);
  Status terminal(TerminalSession session);

 private:
  std::string plan_;
  Headers authorized() const;
  Result<HttpResponse> attempt(const HttpRequest& request);

  const std::unique_ptr<Transport> transport_;
  const std::string token_;
  const std::function<void(uint64_t)> sleep_ms_;
};

}  // namespace novacron::host::cli
