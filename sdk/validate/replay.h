// Runs a plugin against a transcript: it is called as it was then, and gets from its host what it got then.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "novacron/result.h"
#include "sdk/boundary/transcript.h"
#include "sdk/validate/test.h"

namespace novacron::validate {

constexpr size_t kMaxTraceBytes = 512 * 1'024 * 1'024;

/// Where the plugin did something else than then.
struct Difference {
  size_t record = 0;     ///< the number of the record, from 1
  std::string recorded;  ///< its line; "": the plugin did more than then
  std::string now;       ///< what happens now; "": nothing
};

/// One line a record. INVALID_ARGUMENT with the line's number; RESOURCE_EXHAUSTED.
Result<std::vector<boundary::Record>> read_trace(const std::string& path);
Status write_trace(const std::string& path, const std::vector<boundary::Record>& records);

/// Drives the plugin through its lifecycle and its methods by the seed, on the host in memory.
std::vector<boundary::Record> record(Run& run);

/// The first difference; nothing: it did the same. What the plugin's own threads do has no order, and is not compared.
std::optional<Difference> replay(const nc_plugin* plugin, const std::vector<boundary::Record>& recorded);

}  // namespace novacron::validate
