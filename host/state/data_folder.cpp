#include "host/state/data_folder.h"

#include <algorithm>

#include "host/state/snapshotter.h"

namespace novacron::host::state {
namespace {

constexpr std::string_view kFormat = "novacron-state 1\n";

bool is_ours(const std::string& name) {
  return name.starts_with("log-") || name.starts_with("snapshot-");
}

Status check_format(FileSystem& files, const std::string& folder) {
  const auto names = TRY(files.list(folder));
  if (std::find(names.begin(), names.end(), "format") == names.end()) {
    if (std::any_of(names.begin(), names.end(), is_ours))
      return Error{Code::kDataLoss,
                   folder + " holds a state without its file \"format\": put back a copy of the folder",
                   "state.format"};
    return write_file(files, folder, "format", kFormat);
  }
  const std::string format = TRY(read_file(files, folder + "/format"));
  if (format == kFormat) return {};
  return Error{Code::kFailedPrecondition,
               folder + " was written in the format \"" + format.substr(0, format.find('\n')) +
                   "\", which this version cannot read: use the version that wrote it",
               "state.format"};
}

Status remove_temporary(FileSystem& files, const std::string& folder) {
  for (const std::string& name : TRY(files.list(folder)))
    if (name.ends_with(".tmp")) TRY_STATUS(files.remove(folder + "/" + name));
  return {};
}

Status apply_entry(SharedMachine& into, const LogEntry& entry) {
  auto command = TRY(decode_command(entry.payload));
  // An error is an outcome like any other: the entry's caller got it too.
  (void)into.machine.apply(std::move(command), entry.index, entry.session, entry.sequence);
  into.term = entry.term;
  into.machine.keys().clean(SIZE_MAX);
  return {};
}

/// A full disk is no reason not to open: the state can be read, and room be made.
Status ready_for_writing(Log& log) {
  auto ready = log.mark();
  if (ready.ok()) ready = log.make_spare();
  return ready.code() == Code::kResourceExhausted ? Status() : ready;
}

}  // namespace

Result<Recovered> recover_folder(FileSystem& files, const std::string& folder, const Log::Options& options,
                                 SharedMachine& into) {
  Recovered recovered;
  TRY_STATUS(files.create_folder(folder));
  recovered.lock = TRY(files.lock(folder + "/lock"));
  TRY_STATUS(check_format(files, folder));
  TRY_STATUS(remove_temporary(files, folder));
  const auto snapshots = TRY(list_snapshots(files, folder));
  if (!snapshots.empty()) into.term = TRY(load_snapshot(files, folder + "/" + snapshots.back(), into.machine)).term;
  recovered.log = TRY(Log::open(files, folder, options, into.machine.index(),
                                [&into](const LogEntry& entry) { return apply_entry(into, entry); }));
  TRY_STATUS(remove_old_snapshots(files, folder));
  TRY_STATUS(ready_for_writing(*recovered.log));
  return recovered;
}

}  // namespace novacron::host::state
