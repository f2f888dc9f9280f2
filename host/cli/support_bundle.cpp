// `support-bundle`: what somebody who is to help wants to see of a host, in one file, without its secrets.
#include <nlohmann/json.hpp>

#include "host/base/log.h"
#include "host/cli/archive.h"
#include "host/cli/commands.h"
#include "host/cli/redact.h"
#include "host/contract/time_text.h"

namespace novacron::host::cli {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kRecentEventsMs = 1'000;  // what comes at once is what there was
constexpr size_t kMaxEvents = 5'000;
constexpr size_t kMaxPartBytes = 16u << 20;  ///< of one file; what is longer is cut, and the manifest says so

struct Part {
  const char* file;
  const char* target;
  const char* what;
};

constexpr Part kParts[] = {
    {"version.json", "/version", "the host's version and node"},
    {"ready.json", "/readyz", "whether it is ready, check by check"},
    {"whoami.json", "/v1/whoami", "as whom the rest was asked for"},
    {"config.json", "/v1/config", "its settings, and where each is from"},
    {"log-levels.json", "/v1/log", "the levels of its log"},
    {"log.txt", "/v1/log/lines?limit=1000", "the last lines of its log"},
    {"metrics.txt", "/metrics", "what Prometheus scrapes"},
    {"kinds.json", "/v1/kinds", "the kinds that there are"},
    {"nodes.json", "/v1/nodes", "nodes"},
    {"plugins.json", "/v1/plugins", "plugins, without their configurations"},
    {"contracts.json", "/v1/contracts?fields=metadata,spec.package,spec.version,spec.digest,status",
     "contracts, without their descriptors"},
    {"hooks.json", "/v1/admissionhooks", "admission hooks"},
    {"operations.json", "/v1/operations?order_by=metadata.created_at%20desc&limit=500", "the latest operations"},
};
constexpr Part kEventsPart = {"events.ndjson", "/v1/events?after_sequence=0", "the events that are still kept"};

std::string compact(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Lines of the log become lines of a file; other JSON is indented.
std::string content_of(const Part& part, const HttpResponse& response) {
  const json value = json::parse(response.body, nullptr, false);
  if (value.is_discarded()) return redacted(response.body);
  if (std::string_view(part.file) != "log.txt") return pretty_json(redacted_json(value));
  std::string lines;
  for (const json& line : value_at(value, "lines"))
    lines += redacted(line.is_string() ? line.get_ref<const std::string&>() : "") + "\n";
  return lines;
}

class Bundle {
 public:
  explicit Bundle(Session& session) : session_(session) {}

  Status collect() {
    Client& client = *TRY(session_.client());
    for (const Part& part : kParts) {
      const auto response = client.fetch({.target = part.target}, {503});
      if (response.code() == Code::kUnavailable || response.code() == Code::kUnauthenticated) return response.error();
      add(part, response.ok() ? Result<std::string>(content_of(part, *response)) : response.error());
    }
    add(kEventsPart, events(client));
    return {};
  }

  std::vector<ArchiveFile> files(const std::string& folder) {
    const ordered_json manifest = {
        {"client", NOVACRON_VERSION}, {"time", time_text()}, {"secrets", "masked"}, {"files", manifest_}};
    std::vector<ArchiveFile> all = {{folder + "/manifest.json", manifest.dump(2) + "\n"}};
    for (ArchiveFile& file : files_) all.push_back({folder + "/" + file.name, std::move(file.content)});
    return all;
  }

 private:
  Result<std::string> events(Client& client) {
    std::string text;
    size_t count = 0;
    const auto take = [&](const json& event) {
      text += compact(redacted_json(event)) + "\n";
      return ++count < kMaxEvents && text.size() < kMaxPartBytes ? Flow::kContinue : Flow::kStop;
    };
    const Status ended = client.lines(kEventsPart.target, kRecentEventsMs, take);
    if (ended.ok() || ended.code() == Code::kDeadlineExceeded) return text;
    return ended.error();
  }

  /// What could not be had is said in the manifest, and keeps none of the rest.
  void add(const Part& part, Result<std::string> content) {
    ordered_json entry = {{"file", part.file}, {"from", part.target}, {"what", part.what}};
    if (content.ok()) {
      if (content->size() > kMaxPartBytes) entry["cut_at_bytes"] = kMaxPartBytes;
      content->resize(std::min(content->size(), kMaxPartBytes));
      entry["bytes"] = content->size();
      files_.push_back({part.file, *std::move(content)});
    } else {
      entry["missing"] = content.error().message;
      session_.warn(std::string(part.file) + " is missing: " + content.error().message);
    }
    manifest_.push_back(std::move(entry));
  }

  std::string time_text() const {
    return contract::format_timestamp({static_cast<int64_t>(session_.now_ns() / kNsPerSecond), 0});
  }

  Session& session_;
  std::vector<ArchiveFile> files_;
  ordered_json manifest_ = ordered_json::array();
};

Result<ExitCode> list_parts(Session& session) {
  Table table{{"FILE", "FROM", "WHAT"}, {}};
  for (const Part& part : kParts) table.rows.push_back({part.file, part.target, part.what});
  table.rows.push_back({kEventsPart.file, kEventsPart.target, kEventsPart.what});
  session.print(render_table(table));
  session.say("Masked: fields that are secrets, configurations of plugins, tokens, keys, and what looks like one.");
  return ExitCode::kOk;
}

Result<ExitCode> make_bundle(Session& session, const Arguments& arguments) {
  if (session.globals().dry_run) return list_parts(session);
  const auto time_s = static_cast<int64_t>(session.now_ns() / kNsPerSecond);
  const std::string name = "novacron-support-" + std::to_string(time_s);
  const std::string path = arguments.get("--file", name + ".tar.gz");
  Bundle bundle(session);
  session.progress("collecting");
  const Status collected = bundle.collect();
  session.progress("");
  TRY_STATUS(collected);
  TRY_STATUS(write_archive(path, bundle.files(name), time_s));
  session.print(path + "\n");
  session.say("Look through it before you pass it on: what your objects are called is in it.");
  return ExitCode::kOk;
}

}  // namespace

Command support_bundle_command() {
  Command command{.name = "support-bundle",
                  .section = "The host",
                  .summary = "Collect what helps to find a fault, without secrets, in one file",
                  .details =
                      "--dry-run lists what would be in it. Only what the user may see is, and the file can be "
                      "read by its owner alone."};
  command.options = {{"--file", "-o", "FILE", "where to write it [novacron-support-<time>.tar.gz]"}};
  command.examples = {"novacron support-bundle --dry-run", "novacron support-bundle -o /tmp/bundle.tar.gz"};
  command.run = make_bundle;
  return command;
}

}  // namespace novacron::host::cli
