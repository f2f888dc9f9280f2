// The functions of a guest's table.
#pragma once

#include "host/sandbox/guest.h"

namespace novacron::host::sandbox {

/// What table()'s descriptor points to.
struct Guest::Descriptor {
  std::string payload;
  std::vector<std::unique_ptr<ServiceIn>> services;
  std::vector<const nc_service*> pointers;
  nc_descriptor abi{};
};

struct Guest::Table {
  /// `bits`: TableBits.
  static void fill(nc_plugin& table, uint32_t bits);

 private:
  static nc_code create(const nc_host* host, const nc_buf* config, nc_instance** out, nc_error* error);
  static nc_code start(nc_instance* me, uint64_t deadline_ns, nc_error* error);
  static nc_code invoke(nc_instance* me, uint32_t service, const nc_request* request);
  static nc_code configure(nc_instance* me, const nc_buf* config, nc_error* error);
  static nc_code health(nc_instance* me, nc_error* error);
  static nc_code quiesce(nc_instance* me, uint64_t deadline_ns, nc_call sink, nc_error* error);
  static nc_code resume(nc_instance* me, uint64_t deadline_ns, nc_error* error);
  static nc_code restore(nc_instance* me, nc_str from_version, nc_call source, uint64_t deadline_ns, nc_error* error);
  static void destroy(nc_instance* me);
};

}  // namespace novacron::host::sandbox
