#include <iostream>
#include <nlohmann/json.hpp>

#include "host/cli/commands.h"
#include "host/cli/config.h"
#include "host/cli/documents.h"
#include "host/contract/units.h"

namespace novacron::host::cli {
namespace {

using nlohmann::json;

constexpr const char* kSection = "Where and who";
constexpr size_t kMaxCredentialBytes = 4096;

Result<std::string> read_credential(Session& session) {
  Environment& environment = session.environment();
  if (environment.in_is_terminal) return environment.read_secret("Credential: ");
  std::string line;
  std::getline(environment.in, line);
  while (line.ends_with('\r')) line.pop_back();
  if (line.size() > kMaxCredentialBytes) return usage_error("the credential is too long");
  return line;
}

/// "host-8443" for https://host:8443
std::string context_name(const Endpoint& endpoint) {
  if (endpoint.kind == Endpoint::Kind::kUnix) return "local";
  return endpoint.port == kDefaultPort ? endpoint.host : endpoint.host + "-" + std::to_string(endpoint.port);
}

Result<ExitCode> log_in(Session& session, const Arguments& arguments) {
  Environment& environment = session.environment();
  const Endpoint endpoint = TRY(parse_endpoint(arguments.at(0)));
  Context context{.server = endpoint.text(), .tenant = arguments.get("--tenant")};
  if (arguments.has("--ca")) context.ca_pem = TRY(read_small_file(arguments.get("--ca")));
  json body = json::object();
  if (endpoint.kind != Endpoint::Kind::kUnix) {
    body["credential"] = TRY(read_credential(session));
    if (body["credential"] == "") return usage_error("no credential was given");
  }
  if (arguments.has("--ttl")) body["ttl"] = arguments.get("--ttl");
  Client client(environment.connect(endpoint, {context.ca_pem}), "", environment.sleep_ms);
  const json token = TRY(client.change({.method = "POST", .target = "/v1/auth/token", .body = body.dump()}));
  const json& text = token.is_object() ? token.value("token", json()) : token;
  if (!text.is_string()) return Error{Code::kInternal, "the host gave no token", "cli.answer"};
  context.token = text.get<std::string>();
  context.expires_at = text_at(token, "expires_at");
  const std::string path = config_path(environment);
  Config config = TRY(load_config(path));
  const std::string name = arguments.get("--name", context_name(endpoint));
  config.contexts[name] = context;
  config.current = name;
  TRY_STATUS(save_config(path, config));
  session.say("logged in to " + context.server + " as context " + name +
              (context.expires_at.empty() ? "" : " until " + context.expires_at));
  return ExitCode::kOk;
}

Command login_command() {
  Command command{
      .name = "login", .section = kSection, .summary = "Get a token from a host and remember both as a context"};
  command.details =
      "The credential is asked for without being shown, or read from standard input when that is no terminal. The host "
      "printed it once at its first start.";
  command.arguments = {{"URL", "https://HOST:PORT, or unix:///PATH on the host itself"}};
  command.options = {{"--name", "", "NAME", "name of the context [the host's]"},
                     {"--ttl", "", "DURATION", "how long the token is to last"}};
  command.examples = {"novacron login https://host:8443 --ca ca.pem",
                      "novacron login https://host:8443 --ca ca.pem < credential"};
  command.run = log_in;
  return command;
}

Result<ExitCode> list_contexts(Session& session) {
  const Config config = TRY(load_config(config_path(session.environment())));
  Table table{{"CURRENT", "NAME", "SERVER", "TENANT", "TOKEN UNTIL"}, {}};
  json items = json::array();
  std::string names;
  for (const auto& [name, context] : config.contexts) {
    const bool current = name == config.current;
    table.rows.push_back({current ? "*" : "", name, context.server, context.tenant, context.expires_at});
    items.push_back(
        {{"name", name}, {"server", context.server}, {"current", current}, {"expires_at", context.expires_at}});
    names += name + "\n";
  }
  const Format format = session.format();
  if (format == Format::kJson || format == Format::kYaml) {
    session.print(render_value({{"items", items}}, format));
  } else if (format == Format::kName) {
    session.print(names);
  } else {
    session.print(format == Format::kCsv ? render_csv(table) : render_table(table));
  }
  return ExitCode::kOk;
}

/// The context that a command is about: a known name.
Result<Context> find_context(const Config& config, const std::string& name) {
  const auto found = config.contexts.find(name);
  if (found != config.contexts.end()) return found->second;
  return Error{Code::kNotFound, "there is no context " + name + "; see `novacron context list`", "cli.context"};
}

Result<ExitCode> use_context(Session& session, const Arguments& arguments) {
  const std::string path = config_path(session.environment());
  Config config = TRY(load_config(path));
  TRY(find_context(config, arguments.at(0)));
  config.current = arguments.at(0);
  TRY_STATUS(save_config(path, config));
  session.say("context " + config.current + " is used from now on");
  return ExitCode::kOk;
}

Result<ExitCode> show_context(Session& session, const Arguments& arguments) {
  const Config config = TRY(load_config(config_path(session.environment())));
  const std::string name = arguments.positional().empty() ? config.current : arguments.at(0);
  if (name.empty()) return Error{Code::kNotFound, "no context is in use", "cli.context"};
  const Context context = TRY(find_context(config, name));
  session.print(render_value({{"name", name},
                              {"server", context.server},
                              {"tenant", context.tenant.empty() ? kDefaultTenant : context.tenant},
                              {"has_ca", !context.ca_pem.empty()},
                              {"has_token", !context.token.empty()},
                              {"expires_at", context.expires_at}},
                             session.format()));
  return ExitCode::kOk;
}

Result<ExitCode> delete_context(Session& session, const Arguments& arguments) {
  const std::string path = config_path(session.environment());
  Config config = TRY(load_config(path));
  TRY(find_context(config, arguments.at(0)));
  config.contexts.erase(arguments.at(0));
  if (config.current == arguments.at(0)) config.current.clear();
  TRY_STATUS(save_config(path, config));
  session.say("context " + arguments.at(0) + " deleted");
  return ExitCode::kOk;
}

Command context_command() {
  Command command{.name = "context", .section = kSection, .summary = "The hosts that you have logged in to"};
  Command list{.name = "list", .aliases = {"ls"}, .summary = "List contexts"};
  list.run = [](Session& session, const Arguments&) { return list_contexts(session); };
  Command use{.name = "use", .summary = "Use a context from now on"};
  use.arguments = {{"NAME"}};
  use.run = use_context;
  Command show{.name = "show", .summary = "Show a context, without its token"};
  show.arguments = {{"NAME", "", false}};
  show.run = show_context;
  Command remove{.name = "delete", .aliases = {"rm"}, .summary = "Forget a context and its token"};
  remove.arguments = {{"NAME"}};
  remove.run = delete_context;
  command.children = {list, use, show, remove};
  return command;
}

}  // namespace

std::vector<Command> login_commands() {
  return {login_command(), context_command()};
}

}  // namespace novacron::host::cli
