#include "host/cli/tool.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "host/cli/session.h"

namespace novacron::host::cli {
namespace {

constexpr const char* kValidator = "novacron-validate";
constexpr int kSignalStatus = 128;

/// What was given, as the program's own flags, which have the same names.
Result<ExitCode> run_tool(Session& session, const Command& command, const Arguments& arguments) {
  std::vector<std::string> words = arguments.positional();
  for (const OptionSpec& option : command.options) {
    for (const std::string& value : arguments.all(option.name)) {
      const bool is_switch = option.value_name.empty();
      if (!is_switch) words.push_back(option.name + "=" + value);
      if (is_switch && arguments.is_on(option.name)) words.push_back(option.name);
    }
  }
  return static_cast<ExitCode>(TRY(session.environment().run_program(kValidator, words)));
}

Command validate_command() {
  Command command{.name = "validate",
                  .section = "For authors of plugins",
                  .summary = "Look whether a library keeps the contract of the plugin ABI; needs no host"};
  command.details =
      "Runs each test in a process of its own: the library's file, its description, its lifecycle, its calls, and the "
      "memory that crosses. A suite for what it is able to do is added when it offers that service. Exit status: 0 all "
      "passed, 1 findings, 2 it could not run. docs/validator.md names the tests.";
  command.examples = {"novacron plugin validate ./plugin.so", "novacron plugin validate ./plugin.so --junit report.xml",
                      "novacron plugin validate ./plugin.so --seed 7 --test calls.cancel --in-process"};
  command.arguments = {{"PLUGIN", "the library, or the folder of its package", false}};
  command.options = {
      {.name = "--suite", .value_name = "NAME", .summary = "only this suite", .repeated = true},
      {.name = "--test", .value_name = "NAME", .summary = "only this test", .repeated = true},
      {.name = "--seed", .value_name = "N", .summary = "what decides everything random"},
      {.name = "--config", .value_name = "FILE", .summary = "its configuration as JSON"},
      {.name = "--placement", .value_name = "WHERE", .summary = "where it runs", .choices = {"inline"}},
      {.name = "--timeout-s", .value_name = "N", .summary = "of one test, in seconds"},
      {.name = "--junit", .value_name = "FILE", .summary = "write the report as JUnit's XML besides"},
      {.name = "--record", .value_name = "FILE", .summary = "instead write what crosses the ABI in a run"},
      {.name = "--json", .summary = "the report as JSON"},
      {.name = "--list", .summary = "list the tests"},
      {.name = "--in-process", .summary = "run in one process, for a debugger"}};
  command.run = [command](Session& session, const Arguments& arguments) {
    return run_tool(session, command, arguments);
  };
  return command;
}

Command replay_command() {
  Command command{.name = "replay",
                  .section = "For authors of plugins",
                  .summary = "Run a library against a recorded run, and say where it first differs; needs no host"};
  command.details =
      "The library is called as it was when the trace was recorded, and gets from its host what it got then. Exit "
      "status: "
      "0 no difference, 1 a difference, 2 it could not run.";
  command.examples = {"novacron plugin validate ./old.so --record trace --seed 7",
                      "novacron plugin replay ./new.so trace"};
  command.arguments = {{"PLUGIN", "the library, or the folder of its package"}, {"TRACE", "what --record wrote"}};
  command.run = [](Session& session, const Arguments& arguments) -> Result<ExitCode> {
    const std::vector<std::string> words{arguments.at(0), "--replay=" + arguments.at(1)};
    return static_cast<ExitCode>(TRY(session.environment().run_program(kValidator, words)));
  };
  return command;
}

std::filesystem::path find_program(const std::string& program) {
  std::error_code error;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const auto& candidate : {folder / program, folder.parent_path() / "libexec" / "novacron" / program}) {
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

}  // namespace

std::vector<Command> plugin_author_commands() {
  std::vector<Command> commands;
  commands.push_back(validate_command());
  commands.push_back(replay_command());
  return commands;
}

bool is_plugin_author_command(const std::vector<std::string>& words) {
  if (words.size() < 2 || (words[0] != "plugin" && words[0] != "plugins")) return false;
  const std::vector<Command> commands = plugin_author_commands();
  return std::any_of(commands.begin(), commands.end(),
                     [&](const Command& command) { return command.answers_to(words[1]); });
}

Result<int> run_program_beside(const std::string& program, const std::vector<std::string>& arguments) {
  const auto path = find_program(program);
  if (path.empty()) {
    return Error{Code::kNotFound, program + " is not installed beside this program: it comes with the SDK",
                 "cli.no-program"};
  }
  std::vector<std::string> words{path.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> raw;
  for (std::string& word : words) raw.push_back(word.data());
  raw.push_back(nullptr);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, path.c_str(), nullptr, nullptr, raw.data(), environ);
  if (failed != 0) return Error{Code::kUnavailable, path.string() + ": " + std::strerror(failed), "cli.no-program"};
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalStatus + WTERMSIG(status);
}

}  // namespace novacron::host::cli
