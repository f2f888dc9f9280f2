#include "host/cli/target.h"

#include <sys/stat.h>

#include "host/base/file.h"
#include "host/cli/config.h"
#include "host/cli/suggest.h"

namespace novacron::host::cli {
namespace {

constexpr size_t kMaxSmallFileBytes = 256 * 1024;

std::string folder(const Environment& environment, const char* variable, const char* below_home) {
  std::string base = environment.variable(variable);
  if (base.empty()) base = environment.variable("HOME") + below_home;
  return base + "/novacron";
}

/// A flag, else a variable.
std::string setting(const Environment& environment, const Arguments& options, const std::string& flag,
                    const char* name) {
  return options.has(flag) ? options.get(flag) : environment.variable(name);
}

bool is_socket(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

std::string default_server(const Environment& environment) {
  const std::string socket = environment.variable("NOVACRON_SOCKET");
  if (!socket.empty()) return "unix://" + socket;
  return is_socket(kDefaultSocket) ? std::string("unix://") + kDefaultSocket : "";
}

Result<Context> named_context(const Config& config, const std::string& name) {
  const auto found = config.contexts.find(name);
  if (found != config.contexts.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, context] : config.contexts) names.push_back(known);
  return usage_error("there is no context `" + name + "`." + did_you_mean(name, names) +
                     " See `novacron context list`.");
}

std::string without_line_end(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

/// What flags and variables say goes before what the context says.
Status apply_settings(const Environment& environment, const Arguments& options, Target& target) {
  const std::string ca = setting(environment, options, "--ca", "NOVACRON_CA");
  if (!ca.empty()) target.ca_pem = TRY(read_small_file(ca));
  const std::string tenant = setting(environment, options, "--tenant", "NOVACRON_TENANT");
  if (!tenant.empty()) target.tenant = tenant;
  if (target.tenant.empty()) target.tenant = kDefaultTenant;
  std::string token = options.get("--token");
  std::string token_file = options.get("--token-file");
  if (token.empty() && token_file.empty()) token = environment.variable("NOVACRON_TOKEN");
  if (token.empty() && token_file.empty()) token_file = environment.variable("NOVACRON_TOKEN_FILE");
  if (token.empty() && !token_file.empty()) token = without_line_end(TRY(read_small_file(token_file)));
  if (token.empty()) return {};
  if (token.find_first_of("\r\n ") != std::string::npos)
    return usage_error("the token has a space or a line end in it");
  target.token = token;
  target.expires_at.clear();
  return {};
}

}  // namespace

std::string config_folder(const Environment& environment) {
  return folder(environment, "XDG_CONFIG_HOME", "/.config");
}

std::string cache_folder(const Environment& environment) {
  return folder(environment, "XDG_CACHE_HOME", "/.cache");
}

std::string config_path(const Environment& environment) {
  return config_folder(environment) + "/config.toml";
}

Result<std::string> read_small_file(const std::string& path) {
  auto text = read_file(path, kMaxSmallFileBytes);
  if (!text.ok()) return usage_error(path + ": " + text.error().message);
  return text;
}

Result<Target> resolve_target(const Environment& environment, const Arguments& options) {
  Target target;
  std::string server = setting(environment, options, "--server", "NOVACRON_SERVER");
  if (server.empty()) {
    const Config config = TRY(load_config(config_path(environment)));
    target.context = setting(environment, options, "--context", "NOVACRON_CONTEXT");
    if (target.context.empty()) target.context = config.current;
    if (!target.context.empty()) {
      Context context = TRY(named_context(config, target.context));
      server = context.server;
      target = {{}, context.ca_pem, context.token, context.expires_at, context.tenant, target.context};
    }
  }
  if (server.empty()) server = default_server(environment);
  if (server.empty()) {
    return usage_error(
        "no host is known: log in with `novacron login https://HOST:8443 --ca FILE`, or name one with --server. On the "
        "host's own machine its socket is used when it is at " +
        std::string(kDefaultSocket) + ".");
  }
  target.endpoint = TRY(parse_endpoint(server));
  TRY_STATUS(apply_settings(environment, options, target));
  return target;
}

}  // namespace novacron::host::cli
