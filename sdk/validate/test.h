// A test of a plugin, and what surrounds one run of it.
#pragma once

#include <novacron/plugin.h>

#include <functional>
#include <string>
#include <vector>

#include "sdk/boundary/finding.h"
#include "sdk/boundary/guarded_memory.h"
#include "sdk/validate/package.h"

namespace novacron::validate {

using boundary::Finding;
using boundary::Findings;
using boundary::Subject;

/// Where a plugin runs.
enum class Placement { kInline };

/// One run of one test, in a process of its own unless somebody debugs.
struct Run {
  const Package& package;
  std::string config;  ///< the configuration's bytes
  uint64_t seed = 0;
  const nc_plugin* plugin = nullptr;  ///< null: the test looks at the files alone
  boundary::GuardedMemory& memory;
  Findings& findings;
  std::string skipped = {};  ///< why the test could not run; "": it did

  void find(Subject subject, std::string what, std::string rule, std::string instead) {
    findings.add({subject, std::move(what), std::move(rule), std::move(instead)});
  }
};

struct Test {
  enum class Needs { kFiles, kLibrary };

  std::string name;     ///< "calls.cancel"
  std::string summary;  ///< one line
  Needs needs = Needs::kLibrary;
  /// What it judges. Other findings are those of another test; a crash is always a finding.
  std::vector<Subject> about;
  std::function<void(Run&)> run;
};

struct Suite {
  std::string name;     ///< "core", "driver"
  std::string service;  ///< what a plugin must offer for it; "": nothing
  std::vector<Test> tests;
};

/// All suites, "core" first.
std::vector<Suite> all_suites();

// Each in its folder.
Suite core_suite();
Suite driver_suite();
Suite scheduler_suite();

}  // namespace novacron::validate
