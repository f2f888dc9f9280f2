#include "sdk/validate/child.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

namespace novacron::validate {
namespace {

using nlohmann::json;

constexpr const char* kEntry = "novacron_plugin_entry_v1";

const nc_plugin* open_inline(Run& run) {
  const auto refuse = [&](const std::string& what, const char* instead) {
    run.find(Subject::kPackage, what, "the only exported symbol: novacron_plugin_entry_v1", instead);
    return nullptr;
  };
  void* const library = ::dlopen(run.package.library_path().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return refuse(::dlerror(), "link the plugin with -z defs, and bring what it needs");
  using Entry = const nc_plugin* (*)(uint32_t, uint32_t);
  const auto entry = reinterpret_cast<Entry>(::dlsym(library, kEntry));
  if (entry == nullptr) return refuse("it does not export its entry", "write NOVACRON_PLUGIN(…) in entry.cpp");
  const nc_plugin* const plugin = entry(NC_ABI_MINOR, sizeof(nc_host));
  if (plugin == nullptr) return refuse("its entry says that it cannot run on this host", "accept hosts of this ABI");
  if (plugin->descriptor == nullptr || !NC_CAN(plugin, destroy) || plugin->create == nullptr ||
      plugin->invoke == nullptr) {
    return refuse("its table lacks the descriptor, create, invoke or destroy",
                  "give what plugin.h does not call optional");
  }
  return plugin;
}

bool is_about(const Test& test, const Finding& finding) {
  if (finding.subject == Subject::kPackage || finding.subject == Subject::kResult) return true;
  return std::find(test.about.begin(), test.about.end(), finding.subject) != test.about.end();
}

Verdict verdict_of(const TestResult& result) {
  if (!result.findings.empty()) return Verdict::kFailed;
  return result.skipped.empty() ? Verdict::kPassed : Verdict::kSkipped;
}

}  // namespace

const nc_plugin* open_plugin(Run& run, Placement placement) {
  switch (placement) {
    case Placement::kInline:
      return open_inline(run);
  }
  return nullptr;
}

uint64_t seed_of(uint64_t seed, const std::string& test) {
  uint64_t hash = 0xcbf29ce484222325 ^ seed;
  for (const char c : test) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

TestResult run_here(const Test& test, const Package& package, const std::string& config, uint64_t seed,
                    boundary::GuardedMemory& memory) {
  Findings findings;
  Run run{package, config, seed_of(seed, test.name), nullptr, memory, findings};
  const auto begin = std::chrono::steady_clock::now();
  if (test.needs == Test::Needs::kLibrary) run.plugin = open_plugin(run, Placement::kInline);
  if (test.needs == Test::Needs::kFiles || run.plugin != nullptr) test.run(run);
  TestResult result{.name = test.name, .suite = {}, .findings = {}, .skipped = run.skipped};
  for (Finding& finding : findings.all()) {
    if (is_about(test, finding)) result.findings.push_back(std::move(finding));
  }
  const auto took = std::chrono::steady_clock::now() - begin;
  result.duration_ms = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  result.verdict = verdict_of(result);
  return result;
}

std::string to_report(const TestResult& result) {
  json findings = json::array();
  for (const Finding& finding : result.findings) {
    findings.push_back({{"what", finding.what}, {"rule", finding.rule}, {"instead", finding.instead}});
  }
  const json report{{"findings", findings}, {"skipped", result.skipped}, {"duration_ms", result.duration_ms}};
  return "done\t" + report.dump(-1, ' ', true, json::error_handler_t::replace) + "\n";
}

bool from_report(const std::string& report, TestResult& result) {
  if (!report.starts_with("done\t") || !report.ends_with('\n')) return false;
  try {
    const json parsed = json::parse(report.substr(5));
    std::vector<Finding> findings;
    for (const json& finding : parsed.at("findings")) {
      findings.push_back({Subject::kResult, finding.at("what").get<std::string>(),
                          finding.at("rule").get<std::string>(), finding.at("instead").get<std::string>()});
    }
    result.skipped = parsed.at("skipped").get<std::string>();
    result.duration_ms = parsed.at("duration_ms").get<uint64_t>();
    result.findings = std::move(findings);
  } catch (const json::exception&) {  // the plugin is in that process too, and may write to the same descriptor
    return false;
  }
  result.verdict = verdict_of(result);
  return true;
}

}  // namespace novacron::validate
