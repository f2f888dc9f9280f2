// The plugin in the sandbox: loaded, and entered as the host says.
#pragma once

#include "host/sandbox/child/host_table.h"
#include "host/sandbox/child/link.h"

namespace novacron::host::sandbox {

/// One a process. enter() is called on several threads at once, as the host does.
class Runner final {
 public:
  /// `path`: of the library.
  Runner(HostTable& host, std::string path) : host_(host), path_(std::move(path)) {}
  Out enter(EnterOp op, In& in);

 private:
  Out load();
  Result<void*> open();
  nc_code run(EnterOp op, In& in, nc_error& error);
  nc_code run_more(EnterOp op, In& in, nc_error& error);
  nc_code create(In& in, nc_error& error);
  nc_code invoke(In& in);
  void done(In& in);
  void events(In& in);

  HostTable& host_;
  const std::string path_;
  const nc_plugin* plugin_ = nullptr;
  nc_instance* instance_ = nullptr;
};

}  // namespace novacron::host::sandbox
