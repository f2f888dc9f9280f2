#include "sdk/validate/program.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include "sdk/validate/replay.h"
#include "sdk/validate/report.h"
#include "sdk/validate/runner.h"

namespace novacron::validate {
namespace {

constexpr uint64_t kDefaultTimeoutS = 60;
constexpr size_t kMaxConfigBytes = 1'024 * 1'024;

struct Options {
  std::string path;
  std::vector<std::string> suites;
  std::vector<std::string> tests;
  std::string config_file;
  std::string junit_file;
  std::string placement = "inline";
  uint64_t seed = 0;
  uint64_t timeout_s = kDefaultTimeoutS;
  bool is_list = false;
  bool is_json = false;
  bool is_in_process = false;
  std::string record_file;
  std::string replay_file;
  std::string run_test;  // this process is a test's own
  int report_fd = -1;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("PLUGIN", options.path, "The library, or the folder of its package");
  app.add_option("--suite", options.suites, "Only these suites; otherwise core, and those whose service it offers")
      ->allow_extra_args(false);
  app.add_option("--test", options.tests, "Only these tests; several may be given")->allow_extra_args(false);
  app.add_option("--seed", options.seed, "What decides everything random; printed with each report");
  app.add_option("--config", options.config_file, "A file with its configuration as JSON; - is standard input");
  app.add_option("--placement", options.placement, "Where it runs: inline")->check(CLI::IsMember({"inline"}));
  app.add_option("--timeout-s", options.timeout_s, "Of one test, in seconds")->check(CLI::Range(1, 3600));
  app.add_option("--junit", options.junit_file, "Write the report as JUnit's XML besides");
  app.add_flag("--json", options.is_json, "The report as JSON");
  app.add_flag("--list", options.is_list, "List the tests");
  app.add_flag("--in-process", options.is_in_process, "Run in this process, for a debugger");
  app.add_option("--record", options.record_file, "Write what crosses the ABI in a run by the seed to this file");
  app.add_option("--replay", options.replay_file, "Run the plugin against such a file, and say where it differs");
  app.add_option("--run-test", options.run_test)->group("");
  app.add_option("--report-fd", options.report_fd)->group("");
  app.footer(
      "Each test runs in a process of its own. Exit status: 0 all passed, 1 findings, 2 it could not run.\n"
      "  novacron-validate ./plugin.so --seed 7 --test calls.cancel");
}

struct Chosen {
  const Suite* suite;
  const Test* test;
};

bool is_in(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_wanted(const Suite& suite, const Options& options, const Package* package) {
  if (!options.suites.empty()) return is_in(options.suites, suite.name);
  return suite.service.empty() || package == nullptr || is_in(package->manifest().services, suite.service);
}

std::vector<Chosen> choose(const std::vector<Suite>& suites, const Options& options, const Package* package) {
  std::vector<Chosen> chosen;
  for (const Suite& suite : suites) {
    if (!is_wanted(suite, options, package)) continue;
    for (const Test& test : suite.tests) {
      if (options.tests.empty() || is_in(options.tests, test.name)) chosen.push_back({&suite, &test});
    }
  }
  return chosen;
}

int fail(const std::string& why) {
  std::cerr << "novacron-validate: " << why << "\n";
  return kCouldNotRun;
}

/// A name that nothing has; "": each is known.
std::string unknown_name(const std::vector<Suite>& suites, const Options& options) {
  const auto is_suite = [&](const std::string& name) {
    return std::any_of(suites.begin(), suites.end(), [&](const Suite& suite) { return suite.name == name; });
  };
  for (const std::string& name : options.suites) {
    if (!is_suite(name)) return "no suite " + name;
  }
  for (const std::string& name : options.tests) {
    const bool is_test = std::any_of(suites.begin(), suites.end(), [&](const Suite& suite) {
      return std::any_of(suite.tests.begin(), suite.tests.end(), [&](const Test& test) { return test.name == name; });
    });
    if (!is_test) return "no test " + name;
  }
  return "";
}

int list(const std::vector<Suite>& suites, const Options& options) {
  for (const auto& [suite, test] : choose(suites, options, nullptr)) {
    std::cout << suite->name << "\t" << test->name << "\t" << test->summary << "\n";
  }
  return kAllPassed;
}

Result<std::string> read_config(const Package& package, const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& in = path == "-" ? std::cin : file;
  if (!in) return Error{.code = Code::kNotFound, .message = path + " cannot be read"};
  std::string text(kMaxConfigBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kMaxConfigBytes) return Error{.code = Code::kResourceExhausted, .message = path + " is too long"};
  return package.config_from_json(text);
}

/// A test's own process: the report goes to the descriptor, and the end is quick, since threads of the plugin may be
/// left.
int run_as_child(const Test& test, const Package& package, const std::string& config, const Options& options) {
  boundary::GuardedMemory memory;
  (void)::fcntl(options.report_fd, F_SETFD, FD_CLOEXEC);
  report_crashes_to(options.report_fd, memory);
  const std::string report = to_report(run_here(test, package, config, options.seed, memory));
  const bool is_written =
      ::write(options.report_fd, report.data(), report.size()) == static_cast<ssize_t>(report.size());
  std::cout.flush();
  ::_exit(is_written ? 0 : kCouldNotRun);
}

Report run_tests(const std::vector<Chosen>& chosen, const Package& package, const std::string& config,
                 const Options& options, const std::vector<std::string>& arguments) {
  Report report{.path = options.path,
                .id = package.manifest().id,
                .version = package.manifest().version,
                .placement = options.placement,
                .seed = options.seed,
                .results = {}};
  boundary::GuardedMemory memory;
  for (const auto& [suite, test] : chosen) {
    TestResult result = options.is_in_process
                            ? run_here(*test, package, config, options.seed, memory)
                            : run_in_child(*test, {.arguments = arguments, .timeout_ms = options.timeout_s * 1'000});
    result.suite = suite->name;
    report.results.push_back(std::move(result));
  }
  return report;
}

int tell(const Report& report, const Options& options) {
  std::cout << (options.is_json ? to_json(report) : to_text(report));
  if (!options.junit_file.empty()) {
    std::ofstream out(options.junit_file, std::ios::binary);
    if (!(out << to_junit(report))) return fail(options.junit_file + " cannot be written");
  }
  if (report.count(Verdict::kFailed) > 0) return kFindings;
  return report.count(Verdict::kPassed) > 0 ? kAllPassed : kCouldNotRun;
}

/// Null, with why on standard error.
const nc_plugin* load_for(const char* what, Run& run) {
  run.plugin = open_plugin(run, Placement::kInline);
  for (const Finding& finding : run.findings.all()) std::cerr << what << ": " << finding.what << "\n";
  return run.plugin;
}

/// Both end quickly, since threads of the plugin may be left.
[[noreturn]] void leave(int status) {
  std::cout.flush();
  ::_exit(status);
}

int record_to_file(const Package& package, const std::string& config, const Options& options) {
  boundary::GuardedMemory memory;
  Findings findings;
  Run run{package, config, options.seed, nullptr, memory, findings};
  if (load_for("record", run) == nullptr) return kCouldNotRun;
  const std::vector<boundary::Record> records = record(run);
  if (!run.skipped.empty()) return fail(run.skipped);
  const Status written = write_trace(options.record_file, package.without_secrets(records));
  if (!written.ok()) return fail(written.error().message);
  std::cout << records.size() << " records\n";
  leave(kAllPassed);
}

int replay_file(const Package& package, const Options& options) {
  boundary::GuardedMemory memory;
  Findings findings;
  Run run{package, "", options.seed, nullptr, memory, findings};
  const auto recorded = read_trace(options.replay_file);
  if (!recorded.ok()) return fail(recorded.error().message);
  if (load_for("replay", run) == nullptr) return kCouldNotRun;
  const auto difference = replay(run.plugin, *recorded);
  if (!difference) {
    std::cout << recorded->size() << " records, no difference\n";
    leave(kAllPassed);
  }
  std::cout << "record " << difference->record
            << " differs\n  then: " << (difference->recorded.empty() ? "nothing more" : difference->recorded)
            << "\n  now:  " << (difference->now.empty() ? "nothing" : difference->now) << "\n";
  leave(kFindings);
}

/// What a test's process gets: the same plugin and the same seed.
std::vector<std::string> child_arguments(const char* program, const Options& options, uint64_t seed) {
  std::vector<std::string> arguments{program, options.path, "--seed=" + std::to_string(seed)};
  if (!options.config_file.empty()) arguments.push_back("--config=" + options.config_file);
  return arguments;
}

int run_options(Options options, const char* program) {
  const std::vector<Suite> suites = all_suites();
  if (const std::string unknown = unknown_name(suites, options); !unknown.empty()) {
    return fail(unknown + ": --list names them");
  }
  if (options.is_list) return list(suites, options);
  if (options.path.empty()) return fail("which plugin? See --help");
  if (options.config_file == "-" && !options.is_in_process && options.run_test.empty()) {
    return fail("--config - needs --in-process: each test reads the file for itself");
  }
  if (options.seed == 0) options.seed = std::random_device()();
  const auto package = Package::open(options.path);
  if (!package.ok()) return fail(package.error().message);
  const auto config = read_config(**package, options.config_file);
  if (!config.ok()) return fail(config.error().message);
  if (!options.record_file.empty()) return record_to_file(**package, *config, options);
  if (!options.replay_file.empty()) return replay_file(**package, options);
  if (!options.run_test.empty()) options.tests = {options.run_test};
  if (!options.run_test.empty()) options.suites.clear();
  const std::vector<Chosen> chosen = choose(suites, options, options.run_test.empty() ? package->get() : nullptr);
  if (chosen.empty()) return fail("none of these tests is for this plugin");
  if (!options.run_test.empty()) return run_as_child(*chosen[0].test, **package, *config, options);
  const Report report = run_tests(chosen, **package, *config, options, child_arguments(program, options, options.seed));
  return tell(report, options);
}

}  // namespace

int run_program(int argc, char** argv) {
  Options options;
  CLI::App app("Looks whether a plugin keeps the contract of novacron/plugin.h.", "novacron-validate");
  add_options(app, options);
  try {
    app.parse(argc, argv);
    return run_options(options, argv[0]);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kAllPassed : kCouldNotRun;
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

}  // namespace novacron::validate
