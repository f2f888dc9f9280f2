#include "host/daemon/command_line.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/base/roff.h"
#include "host/daemon/config_report.h"
#include "host/daemon/version.h"

namespace novacron::host::daemon {
namespace {

constexpr const char* kDefaultConfig = "/etc/novacron/novacrond.toml";
constexpr const char* kSummary = "The NovaCron host: runs plugins, keeps their resources, serves the REST API.";

/// The program's definition, with places for what was given.
struct Definition {
  explicit Definition(CommandLine& line) {
    line.file = kDefaultConfig;
    config = app.add_option("-c,--config", line.file, "TOML file with the settings")
                 ->type_name("FILE")
                 ->capture_default_str();
    auto* const dev = app.add_flag("--dev", line.is_dev, "for development: without --config, all in ~/.novacron-dev");
    app.add_option("--fleet", line.fleet, "with --dev: play so many nodes besides this one, fleet-1 and so on")
        ->type_name("N")
        ->needs(dev)
        ->check(CLI::Range(uint64_t{0}, kMaxFleet).description(""));
    auto* const checks = app.add_flag("--check", check, "read the settings, say what is wrong with them, and end");
    app.add_flag("--show", show, "with --check: print the settings, and where each is from")->needs(checks);
    app.add_flag("--man", man, "print the manual page, and end");
    app.set_version_flag("--version", std::string(kVersion), "print the version, and end");
    app.get_help_ptr()->description("print this, and end");
  }

  CLI::App app{std::string(kSummary) + "\nExample: novacrond --config /etc/novacron/novacrond.toml", "novacrond"};
  CLI::Option* config = nullptr;
  bool check = false;
  bool show = false;
  bool man = false;
};

std::string options_section(const CLI::App& app) {
  std::string out = ".SH OPTIONS\n";
  for (const CLI::Option* option : app.get_options()) {
    const std::string value = option->get_type_size() > 0 ? option->get_type_name() : "";
    out += roff_entry(option->get_name(false, true), value, option->get_description());
  }
  return out;
}

std::string settings_section() {
  Config config;
  std::string out = ".SH SETTINGS\nEach is written as in\n.IR \"[table] name = value\" .\n";
  out += "Those marked with * change while the host runs, when it is told to read its settings again.\n";
  for (const auto& [table_name, table] : tables_of(config)) {
    for (const auto& [name, setting] : table) {
      const SettingFacts facts = facts_of(setting_path(table_name, name));
      out += roff_entry(facts.path, facts.is_live ? "*" : "",
                        std::string(facts.summary) + ". Default: " + setting.get().dump());
    }
  }
  return out;
}

constexpr const char* kLayersSection = R"(.SH FILES
.TP
.I /etc/novacron/novacrond.toml
The settings, unless
.B \-\-config
names another file.
.TP
.I /etc/novacron/novacrond.toml.d/*.toml
Read after it, sorted by name; each setting replaces the one before.
.SH ENVIRONMENT
.TP
.B NOVACROND__TABLE__SETTING
Goes over the files: api.listen is NOVACROND__API__LISTEN.
Texts are taken as they are, everything else is written as in the file.
.TP
.BR NOTIFY_SOCKET ", " LISTEN_PID ", " LISTEN_FDS ", " LISTEN_FDNAMES
The supervisor's, see
.BR sd_notify (3)
and
.BR sd_listen_fds (3).
.SH SIGNALS
.TP
.BR SIGTERM ", " SIGINT
Lets requests under way end, disables the plugins and ends; what plugins started goes on.
A second one ends it at once.
.TP
.B SIGHUP
Reads the settings again; wrong ones change nothing.
.SH EXIT STATUS
0 after SIGTERM, and when
.B \-\-check
finds nothing; 1 when the host cannot start or the settings are wrong; more when the command line is.
.SH SEE ALSO
.BR novacron (1)
)";

}  // namespace

std::variant<CommandLine, int> parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  Definition definition(line);
  try {
    definition.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return definition.app.exit(error);
  }
  line.file_is_given = !definition.config->empty();
  if (definition.check) line.task = definition.show ? Task::kShow : Task::kCheck;
  if (definition.man) line.task = Task::kMan;
  if (line.is_dev && !line.file_is_given) line.file.clear();
  return line;
}

std::string manual_page() {
  CommandLine line;
  const Definition definition(line);
  return ".TH NOVACROND 8 \"\" \"NovaCron " + std::string(kVersion) +
         "\" \"NovaCron\"\n.SH NAME\nnovacrond \\- the NovaCron host\n"
         ".SH SYNOPSIS\n.B novacrond\n.RI [ OPTION ]...\n.SH DESCRIPTION\n" +
         roff_text(kSummary) + "\n" + options_section(definition.app) + settings_section() + kLayersSection;
}

}  // namespace novacron::host::daemon
