// What a plugin did that its contract with the host forbids.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace novacron::boundary {

/// What a finding is about; each test of a plugin asks for some of them.
enum class Subject {
  kFinish,       ///< a call that is not finished once
  kIds,          ///< an id that names nothing, or was not given back
  kThreads,      ///< a thread that is there when it must not be
  kWaits,        ///< a function that waits, called where nothing may
  kBuffers,      ///< a buffer that is not released once
  kDescriptors,  ///< descriptors that are not closed, or are nobody's
  kStructs,      ///< a struct, a text or a code that is malformed
  kResult,       ///< what came out is wrong
  kProcess,      ///< something of the process was changed, or it ended
  kPackage,      ///< the files of the package
};

struct Finding {
  Subject subject = Subject::kResult;
  std::string what;     ///< what happened
  std::string rule;     ///< which rule of plugin.h it breaks
  std::string instead;  ///< what to do
};

/// [any] thread.
class Findings final {
 public:
  static constexpr size_t kMaxFindings = 64;

  /// The same one counts once; beyond the bound they are dropped.
  void add(Finding finding) {
    const std::lock_guard lock(mutex_);
    if (findings_.size() >= kMaxFindings) return;
    for (const Finding& known : findings_) {
      if (known.what == finding.what) return;
    }
    findings_.push_back(std::move(finding));
  }

  std::vector<Finding> all() const {
    const std::lock_guard lock(mutex_);
    return findings_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Finding> findings_;
};

}  // namespace novacron::boundary
