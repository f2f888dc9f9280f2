#include "host/cli/doctor.h"

#include <sys/stat.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "host/cli/objects.h"
#include "host/cli/text.h"
#include "host/contract/parts.h"
#include "host/contract/time_text.h"

namespace novacron::host::cli {
namespace {

using contract::Kind;
using nlohmann::json;

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kMaxSkewSeconds = 30;
constexpr int64_t kSoonSeconds = 3600;
constexpr uint64_t kCheckTimeoutMs = 5'000;

enum class Verdict { kFine, kWarning, kWrong };

class Doctor {
 public:
  explicit Doctor(Session& session) : session_(session) {}

  ExitCode run() {
    check_config();
    if (!check_target()) return finish();
    check_token();
    if (!check_reachable()) return finish();
    check_ready();
    if (!check_identity()) return finish();
    check_plugins();
    return finish();
  }

 private:
  void tell(const std::string& check, Verdict verdict, const std::string& found, const std::string& advice = "") {
    const std::string mark = verdict == Verdict::kFine ? "ok" : verdict == Verdict::kWarning ? "warning" : "WRONG";
    if (verdict == Verdict::kWrong) ++wrong_;
    std::string line = pad_right(mark, 9) + pad_right(check, 14) + printable(found) + "\n";
    if (!advice.empty())
      line += std::string(9, ' ') + "→ " + wrap_text(advice, session_.environment().width - 12, 11) + "\n";
    session_.print(line);
  }

  ExitCode finish() {
    session_.print(wrong_ == 0 ? "All is well.\n" : std::to_string(wrong_) + " to be mended.\n");
    return wrong_ == 0 ? ExitCode::kOk : ExitCode::kError;
  }

  void check_config() {
    const std::string path = config_path(session_.environment());
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return tell("config", Verdict::kFine, "none at " + path);
    const bool open = (status.st_mode & 077) != 0;
    if (open) return tell("config", Verdict::kWrong, path + " can be read by others", "Run: chmod 600 " + path);
    tell("config", Verdict::kFine, path);
  }

  bool check_target() {
    const auto target = session_.target();
    if (!target.ok()) {
      tell("target", Verdict::kWrong, "no host is chosen", target.error().message);
      return false;
    }
    const std::string from = (*target)->context.empty() ? "" : " (context " + (*target)->context + ")";
    tell("target", Verdict::kFine, (*target)->endpoint.text() + from);
    return true;
  }

  int64_t now_seconds() const { return static_cast<int64_t>(session_.now_ns() / kNsPerSecond); }

  void check_token() {
    const Target& target = **session_.target();
    if (target.token.empty()) {
      const bool local = target.endpoint.kind == Endpoint::Kind::kUnix;
      if (local) return tell("token", Verdict::kFine, "none: the socket knows who you are");
      return tell("token", Verdict::kWarning, "none", "Log in: novacron login " + target.endpoint.text());
    }
    const auto expiry = contract::parse_timestamp(target.expires_at);
    if (!expiry) return tell("token", Verdict::kFine, "there; its end is not known");
    const int64_t left = expiry->seconds - now_seconds();
    const std::string advice = "Log in again: novacron login " + target.endpoint.text();
    if (left <= 0) return tell("token", Verdict::kWrong, "ended at " + target.expires_at, advice);
    tell("token", left < kSoonSeconds ? Verdict::kWarning : Verdict::kFine, "until " + target.expires_at,
         left < kSoonSeconds ? advice : "");
  }

  std::string advice_for(const Error& error) const {
    if (error.reason == kCertificateReason) {
      return "Give the host's own authority by --ca FILE (on the host it is tls/ca.crt in its data folder), or log in "
             "again "
             "with it. If it was trusted before, somebody may sit in between.";
    }
    if ((*session_.target())->endpoint.kind == Endpoint::Kind::kUnix) {
      return "Is novacrond running on this machine (systemctl status novacrond), and may you open its socket (group "
             "novacron)?";
    }
    return "Is novacrond running there, is the port right, does a firewall allow it?";
  }

  bool check_reachable() {
    Client& client = **session_.client();
    const auto response = client.fetch({.target = "/healthz", .timeout_ms = kCheckTimeoutMs});
    if (!response.ok()) {
      tell("reachable", Verdict::kWrong, response.error().message, advice_for(response.error()));
      return false;
    }
    const bool tls = (*session_.target())->endpoint.kind == Endpoint::Kind::kTls;
    tell("reachable", Verdict::kFine, tls ? "yes; its certificate is accepted" : "yes");
    check_clock(response->header("Date"));
    return true;
  }

  void check_clock(const std::string& date) {
    std::tm parts{};
    if (date.empty() || ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return;
    const int64_t skew = now_seconds() - static_cast<int64_t>(::timegm(&parts));
    const std::string found = "differs by " + std::to_string(skew < 0 ? -skew : skew) + " s";
    if (skew >= -kMaxSkewSeconds && skew <= kMaxSkewSeconds) return tell("clock", Verdict::kFine, found);
    tell("clock", Verdict::kWrong, found, "Set both clocks by NTP: tokens and certificates depend on them.");
  }

  void check_ready() {
    Client& client = **session_.client();
    const auto response = client.fetch({.target = "/readyz", .timeout_ms = kCheckTimeoutMs}, {503});
    if (!response.ok()) return tell("ready", Verdict::kWrong, response.error().message);
    if (response->status == 200) return tell("ready", Verdict::kFine, "yes");
    const Error error = error_of(*response);
    tell("ready", Verdict::kWrong, error.message,
         "Wait a moment after a start; then read the log: journalctl -u novacrond.");
  }

  bool check_identity() {
    Client& client = **session_.client();
    const auto who = client.get("/v1/whoami", kCheckTimeoutMs);
    if (who.ok()) {
      std::string principal = text_at(*who, "principal");
      if (principal.empty()) principal = text_at(*who, "name");
      tell("identity", Verdict::kFine, principal.empty() ? "known" : principal);
      return true;
    }
    const bool denied = who.code() == Code::kUnauthenticated || who.code() == Code::kPermissionDenied;
    tell("identity", Verdict::kWrong, who.error().message,
         denied ? "Log in: novacron login " + (*session_.target())->endpoint.text() : "");
    return false;
  }

  /// Objects of the host's own kinds that have failed; plugins are one of these.
  void check_plugins() {
    const auto schema = session_.schema();
    if (!schema.ok()) return tell("schema", Verdict::kWrong, schema.error().message);
    tell("schema", Verdict::kFine, std::to_string((*schema)->kinds().size()) + " kinds, " + (*schema)->digest());
    for (const Kind& kind : (*schema)->kinds()) {
      if (kind.scope == contract::Scope::kHost && kind.failed_when) check_kind(kind);
    }
  }

  void check_kind(const Kind& kind) {
    const auto path = session_.collection(kind);
    Client& client = **session_.client();
    const auto list = client.list(*path, "");
    if (!list.ok()) return tell(kind.segment, Verdict::kWarning, list.error().message);
    size_t failed = 0;
    for (const json& object : list->objects) {
      const auto parts = contract::parts_from_json(kind, object.dump(-1, ' ', false, json::error_handler_t::replace));
      if (!parts.ok()) continue;
      const auto state = contract::convergence(kind, nullptr, parts->metadata, parts->spec, parts->status, 0);
      if (!state.ok() || *state != contract::Convergence::kFailed) continue;
      ++failed;
      const std::string name = text_at(object, "metadata.name");
      tell(kind.segment, Verdict::kWrong, name + ": " + state_of(kind, object),
           "See: novacron describe " + noun_of(kind) + " " + name + ", and the host's log.");
    }
    if (failed == 0) tell(kind.segment, Verdict::kFine, std::to_string(list->objects.size()) + " there, none failed");
  }

  Session& session_;
  int wrong_ = 0;
};

}  // namespace

Result<ExitCode> run_doctor(Session& session) {
  return Doctor(session).run();
}

}  // namespace novacron::host::cli
