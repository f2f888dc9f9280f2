// What is needed to trace, where the settings ask for it.
#pragma once

#include <memory>
#include <string>

#include "host/base/result.h"
#include "host/daemon/config.h"
#include "host/trace/exporter.h"
#include "host/trace/tracer.h"

namespace novacron::host::daemon {

class Traces {
 public:
  /// Null: tracing is off. `incarnation`: of this run of the host.
  static Result<std::unique_ptr<Traces>> create(const Config& config, const std::string& incarnation);

  trace::Tracer& tracer() { return tracer_; }
  trace::Exporter::Stats stats() const { return exporter_.stats(); }
  /// Sends what is left, for two seconds at most; what is recorded later is lost.
  void stop() { exporter_.stop(); }

 private:
  Traces(const Config& config, const std::string& incarnation, std::unique_ptr<trace::Transport> transport);

  trace::Exporter exporter_;
  trace::Tracer tracer_;
};

}  // namespace novacron::host::daemon
