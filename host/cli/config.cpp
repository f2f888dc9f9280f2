#include "host/cli/config.h"

#include <filesystem>
#include <sstream>

#include "host/base/file.h"
#include "host/base/toml.h"

namespace novacron::host::cli {
namespace {

std::string text_of(const toml::table& table, std::string_view key) {
  return table[key].value_or(std::string());
}

Context context_of(const toml::table& table) {
  return {text_of(table, "server"), text_of(table, "ca"), text_of(table, "token"), text_of(table, "expires_at"),
          text_of(table, "tenant")};
}

toml::table table_of(const Context& context) {
  toml::table table;
  const auto put = [&table](std::string_view key, const std::string& value) {
    if (!value.empty()) table.insert(key, value);
  };
  put("server", context.server);
  put("ca", context.ca_pem);
  put("token", context.token);
  put("expires_at", context.expires_at);
  put("tenant", context.tenant);
  return table;
}

}  // namespace

Result<Config> load_config(const std::string& path) {
  auto text = read_file(path, kMaxConfigBytes);
  if (text.code() == Code::kNotFound) return Config{};
  if (!text.ok()) return wrap(text.error(), path);
  try {
    const toml::table table = toml::parse(*text, path);
    Config config{text_of(table, "current"), {}};
    if (const toml::table* contexts = table["contexts"].as_table()) {
      for (const auto& [name, value] : *contexts) {
        if (const toml::table* entry = value.as_table()) config.contexts[std::string(name.str())] = context_of(*entry);
      }
    }
    return config;
  } catch (const toml::parse_error& e) {
    std::ostringstream what;
    what << path << ":" << e.source().begin.line << ": " << e.description();
    return Error{Code::kInvalidArgument, what.str(), "cli.config"};
  }
}

Status save_config(const std::string& path, const Config& config) {
  toml::table contexts;
  for (const auto& [name, context] : config.contexts) contexts.insert(name, table_of(context));
  toml::table table;
  table.insert("current", config.current);
  table.insert("contexts", std::move(contexts));
  std::ostringstream text;
  text << table << "\n";
  TRY_STATUS(make_folder(std::filesystem::path(path).parent_path(), 0700));
  return write_file(path, text.str(), 0600);
}

}  // namespace novacron::host::cli
