#include "host/cli/session.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "host/cli/schema_cache.h"
#include "host/cli/suggest.h"
#include "host/cli/text.h"
#include "host/contract/units.h"

namespace novacron::host::cli {
namespace {

using contract::Kind;
using contract::Schema;

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kHelpTimeoutMs = 2'000;
constexpr uint64_t kMaxTimeoutMs = 7ull * 86'400'000;

Result<uint64_t> read_timeout(const std::string& text) {
  const auto ns = contract::parse_with_unit(contract::Unit::kDuration, text);
  if (!ns.ok()) return usage_error("--timeout: \"" + text + "\" is no duration such as 30s or 5m");
  const uint64_t ms = *ns / kNsPerMs;
  if (ms == 0 || ms > kMaxTimeoutMs) return usage_error("--timeout is from 1ms to 7d");
  return ms;
}

std::vector<std::string> all_nouns(const Schema& schema) {
  std::vector<std::string> nouns;
  for (const Kind& kind : schema.kinds()) {
    nouns.push_back(kind.segment);
    nouns.insert(nouns.end(), kind.short_names.begin(), kind.short_names.end());
  }
  return nouns;
}

}  // namespace

std::vector<OptionSpec> global_options() {
  return {
      {"--output", "-o", "FORMAT", "how results are written", {"table", "wide", "json", "yaml", "csv", "name"}},
      {"--selector", "-l", "LABELS", "only objects with these labels: app=web,tier!=db"},
      {"--wait", "", "", "wait until a change has taken effect (--no-wait: do not)"},
      {"--timeout", "", "DURATION", "how long to wait [5m]"},
      {"--watch", "-w", "", "after a list, show changes as they come"},
      {"--dry-run", "", "", "let the host check a change without making it"},
      {"--yes", "-y", "", "do not ask before deleting"},
      {"--quiet", "-q", "", "write results and errors only"},
      {"--tenant", "", "NAME", "whose objects [default]; also $NOVACRON_TENANT"},
      {"--context", "", "NAME", "a context of `novacron context list`; also $NOVACRON_CONTEXT"},
      {"--server", "", "URL", "https://HOST:PORT or unix:///PATH; also $NOVACRON_SERVER"},
      {"--ca", "", "FILE", "certificate of the authority to trust; also $NOVACRON_CA"},
      {"--token-file", "", "FILE", "file with a bearer token; also $NOVACRON_TOKEN_FILE"},
      {"--token", "", "TOKEN", "bearer token (others see it in the process list: prefer a file or $NOVACRON_TOKEN)"},
  };
}

Result<Globals> Globals::read(const Arguments& options) {
  Globals globals;
  if (options.has("--output")) globals.format = parse_format(options.get("--output"));
  globals.selector = options.get("--selector");
  globals.quiet = options.is_on("--quiet");
  globals.yes = options.is_on("--yes");
  globals.dry_run = options.is_on("--dry-run");
  globals.watch = options.is_on("--watch");
  if (options.has("--wait")) globals.wait = options.is_on("--wait");
  if (options.has("--timeout")) globals.timeout_ms = TRY(read_timeout(options.get("--timeout")));
  return globals;
}

Session::Session(Environment& environment, Arguments options)
    : environment_(environment), options_(std::move(options)) {}

Session::~Session() {
  progress("");
}

Status Session::read_globals(Arguments options) {
  options_ = std::move(options);
  globals_ = TRY(Globals::read(options_));
  return {};
}

Result<const Target*> Session::target() {
  if (!target_) target_ = TRY(resolve_target(environment_, options_));
  return &*target_;
}

Result<Client*> Session::client() {
  if (!client_) {
    const Target& at = *TRY(target());
    client_ = std::make_unique<Client>(environment_.connect(at.endpoint, {at.ca_pem}), at.token, environment_.sleep_ms);
  }
  return client_.get();
}

std::shared_ptr<const Schema> Session::cached_schema() {
  const auto at = target();
  if (!at.ok()) return nullptr;
  const SchemaCache cache(cache_folder(environment_));
  return cache.find(cache.digest_of((*at)->endpoint.text()));
}

Result<std::shared_ptr<const Schema>> Session::fetch_schema(SchemaUse use) {
  const std::shared_ptr<const Schema> cached = cached_schema();
  HttpRequest request{.target = "/v1/schema"};
  request.headers = {{"Accept", "application/x-protobuf"}};
  if (cached) request.headers.emplace_back("If-None-Match", "\"" + cached->digest() + "\"");
  if (use != SchemaUse::kFresh) {
    request.timeout_ms = kHelpTimeoutMs;
    request.max_attempts = 1;
  }
  Client& host = *TRY(client());
  const HttpResponse response = TRY(host.fetch(std::move(request), {304}));
  if (response.status == 304 && cached) return cached;
  auto schema = Schema::parse(response.body);
  if (!schema.ok()) return wrap(schema.error(), "the host's schema cannot be read by this CLI");
  SchemaCache(cache_folder(environment_)).store(target_->endpoint.text(), **schema);
  return schema;
}

Result<const Schema*> Session::schema(SchemaUse use) {
  if (schema_) return schema_.get();
  if (use == SchemaUse::kCached) schema_ = cached_schema();
  if (schema_) return schema_.get();
  auto fetched = fetch_schema(use);
  if (use == SchemaUse::kFresh && !fetched.ok()) return fetched.error();
  if (fetched.ok()) schema_ = *std::move(fetched);
  if (!schema_) schema_ = cached_schema();
  if (!schema_) schema_ = contract::core_schema();
  return schema_.get();
}

Result<const Kind*> Session::kind(const std::string& noun) {
  const Schema& known = *TRY(schema());
  if (const Kind* found = known.find_noun(noun)) return found;
  return usage_error("the host has no kind `" + noun + "`." + did_you_mean(noun, all_nouns(known)) +
                     " See `novacron api-resources`.");
}

Result<std::string> Session::collection(const Kind& kind) {
  if (kind.scope == contract::Scope::kHost) return "/v1/" + kind.segment;
  const Target& at = *TRY(target());
  return "/v1/tenants/" + percent_encode(at.tenant) + "/" + kind.segment;
}

Result<std::string> Session::object_path(const Kind& kind, const std::string& name) {
  if (name.empty()) return usage_error("a name is empty");
  return TRY(collection(kind)) + "/" + percent_encode(name);
}

uint64_t Session::wait_deadline_ns() const {
  return environment_.clock.monotonic_ns() + globals_.timeout_ms.value_or(kDefaultWaitMs) * kNsPerMs;
}

void Session::print(const std::string& text) {
  progress("");
  environment_.out << text << std::flush;
}

void Session::say(const std::string& sentence) {
  if (!globals_.quiet) print(printable(sentence) + "\n");
}

void Session::warn(const std::string& sentence) {
  progress("");
  environment_.err << "novacron: " << printable(sentence) << std::endl;
}

void Session::progress(const std::string& text) {
  if (globals_.quiet || !environment_.err_is_terminal) return;
  if (text.empty() && !progress_shown_) return;
  std::string line = printable(text);
  while (text_width(line) >= environment_.width && !line.empty()) line.pop_back();
  environment_.err << "\r\x1b[K" << line << std::flush;
  progress_shown_ = !text.empty();
}

Status Session::confirm(const std::string& question) {
  if (globals_.yes || globals_.dry_run) return {};
  if (!environment_.in_is_terminal) return usage_error(question + " Say --yes, since nobody can be asked.");
  progress("");
  environment_.err << printable(question) << " [y/N] " << std::flush;
  std::string answer;
  std::getline(environment_.in, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return {};
  return Error{Code::kCancelled, "nothing was changed", "cli.cancelled"};
}

}  // namespace novacron::host::cli
