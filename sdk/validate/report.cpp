#include "sdk/validate/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <sstream>

namespace novacron::validate {
namespace {

using nlohmann::ordered_json;

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return "passed";
    case Verdict::kSkipped:
      return "skipped";
    default:
      return "failed";
  }
}

std::string repeat_command(const Report& report, const TestResult& result) {
  return "novacron plugin validate " + report.path + " --seed " + std::to_string(report.seed) + " --test " +
         result.name;
}

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string findings_text(const TestResult& result, const std::string& indent) {
  std::string text;
  for (const Finding& finding : result.findings) {
    text += indent + finding.what + "\n";
    if (!finding.rule.empty()) text += indent + "  rule:    " + finding.rule + "\n";
    if (!finding.instead.empty()) text += indent + "  instead: " + finding.instead + "\n";
  }
  return text;
}

// What a plugin wrote is not to steer a terminal.
std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text)
    out += (c >= ' ' && c != 0x7f) || c == '\n' || static_cast<unsigned char>(c) >= 0x80 ? c : '?';
  return out;
}

// XML 1.0 has no way to write most control characters.
std::string for_xml(const std::string& text) {
  std::string out;
  for (const char c : text) out += (c >= ' ' && static_cast<unsigned char>(c) < 0x7f) || c == '\n' ? c : '?';
  return out;
}

}  // namespace

size_t Report::count(Verdict verdict) const {
  return static_cast<size_t>(std::count_if(results.begin(), results.end(),
                                           [verdict](const TestResult& result) { return result.verdict == verdict; }));
}

std::string to_text(const Report& report) {
  size_t width = 0;
  for (const TestResult& result : report.results) width = std::max(width, result.name.size());
  std::string text = report.id + " " + report.version + ", placement " + report.placement + ", seed " +
                     std::to_string(report.seed) + "\n\n";
  for (const TestResult& result : report.results) {
    text += padded(result.name, width + 2) + padded(to_string(result.verdict), 9) + std::to_string(result.duration_ms) +
            " ms";
    text += result.skipped.empty() ? "\n" : "  " + result.skipped + "\n";
    if (result.verdict != Verdict::kFailed) continue;
    text += findings_text(result, "    ");
    if (!result.output.empty())
      text += "    it wrote:\n      " + result.output + (result.output.ends_with('\n') ? "" : "\n");
    text += "    again:     " + repeat_command(report, result) + "\n";
  }
  text += "\n" + std::to_string(report.count(Verdict::kPassed)) + " passed, " +
          std::to_string(report.count(Verdict::kFailed)) + " failed, " +
          std::to_string(report.count(Verdict::kSkipped)) + " skipped\n";
  return printable(text);
}

std::string to_json(const Report& report) {
  ordered_json tests = ordered_json::array();
  for (const TestResult& result : report.results) {
    ordered_json findings = ordered_json::array();
    for (const Finding& finding : result.findings) {
      findings.push_back({{"what", finding.what}, {"rule", finding.rule}, {"instead", finding.instead}});
    }
    ordered_json test{{"name", result.name},
                      {"suite", result.suite},
                      {"verdict", to_string(result.verdict)},
                      {"duration_ms", result.duration_ms},
                      {"findings", findings}};
    if (!result.skipped.empty()) test["skipped"] = result.skipped;
    if (!result.output.empty()) test["output"] = result.output;
    if (result.verdict == Verdict::kFailed) test["again"] = repeat_command(report, result);
    tests.push_back(std::move(test));
  }
  const ordered_json whole{{"plugin", {{"path", report.path}, {"id", report.id}, {"version", report.version}}},
                           {"placement", report.placement},
                           {"seed", report.seed},
                           {"passed", report.count(Verdict::kPassed)},
                           {"failed", report.count(Verdict::kFailed)},
                           {"skipped", report.count(Verdict::kSkipped)},
                           {"tests", tests}};
  return whole.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string to_junit(const Report& report) {
  pugi::xml_document document;
  pugi::xml_node suite = document.append_child("testsuite");
  suite.append_attribute("name") = for_xml("novacron plugin validate " + report.id).c_str();
  suite.append_attribute("tests") = static_cast<unsigned>(report.results.size());
  suite.append_attribute("failures") = static_cast<unsigned>(report.count(Verdict::kFailed));
  suite.append_attribute("skipped") = static_cast<unsigned>(report.count(Verdict::kSkipped));
  for (const TestResult& result : report.results) {
    pugi::xml_node test = suite.append_child("testcase");
    test.append_attribute("classname") = for_xml(report.id + "." + report.placement + "." + result.suite).c_str();
    test.append_attribute("name") = result.name.c_str();
    test.append_attribute("time") = static_cast<double>(result.duration_ms) / 1'000;
    if (result.verdict == Verdict::kSkipped) {
      test.append_child("skipped").append_attribute("message") = for_xml(result.skipped).c_str();
    }
    if (result.verdict == Verdict::kFailed) {
      pugi::xml_node failure = test.append_child("failure");
      failure.append_attribute("message") = result.findings.empty() ? "" : for_xml(result.findings[0].what).c_str();
      const std::string text = findings_text(result, "") + "again: " + repeat_command(report, result);
      failure.append_child(pugi::node_pcdata).set_value(for_xml(text).c_str());
    }
    if (!result.output.empty()) {
      test.append_child("system-out").append_child(pugi::node_pcdata).set_value(for_xml(result.output).c_str());
    }
  }
  std::ostringstream out;
  document.save(out, "  ");
  return out.str();
}

}  // namespace novacron::validate
