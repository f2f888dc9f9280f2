#include "host/state/data_folder.h"

#include <algorithm>
#include <deque>

#include "host/raft/membership.h"
#include "host/state/coding.h"
#include "host/state/snapshotter.h"

namespace novacron::host::state {
namespace {

constexpr std::string_view kFormat = "novacron-state 2\n";
constexpr std::string_view kFormatOfOne = "novacron-state 1\n";

bool is_ours(const std::string& name) {
  return name.starts_with("log-") || name.starts_with("snapshot-");
}

Error lacks(const std::string& folder, const std::string& file) {
  return {Code::kDataLoss, folder + " holds a state without its file \"" + file + "\": put back a copy of the folder",
          "state.format"};
}

std::string encode_identity(raft::NodeId node, const raft::Membership& first_members) {
  std::string bytes(sizeof node, '\0');
  store_fixed(bytes.data(), node);
  return bytes + raft::encode(first_members);
}

/// The format comes last: a folder that has it is whole.
Status make_identity(FileSystem& files, const std::string& folder, raft::NodeId node, const raft::Membership& first) {
  TRY_STATUS(write_file(files, folder, "identity", encode_identity(node, first)));
  return write_file(files, folder, "format", kFormat);
}

raft::Membership alone(raft::NodeId node) {
  return {{{node, raft::MemberRole::kVoter}}};
}

/// The members that the cluster began with.
Result<raft::Membership> read_identity(FileSystem& files, const FolderOptions& options) {
  auto bytes = read_file(files, options.folder + "/identity");
  if (!bytes.ok() || bytes->size() < sizeof options.node) return lacks(options.folder, "identity");
  const auto node = load_fixed<raft::NodeId>(bytes->data());
  if (node != options.node)
    return Error{Code::kFailedPrecondition,
                 options.folder + " is the state of node " + std::to_string(node) + ", not of node " +
                     std::to_string(options.node) + ": a node keeps its number",
                 "state.identity"};
  return raft::decode_membership(std::string_view(*bytes).substr(sizeof node));
}

Result<raft::Membership> open_identity(FileSystem& files, const FolderOptions& options) {
  const std::string& folder = options.folder;
  const auto names = TRY(files.list(folder));
  if (std::find(names.begin(), names.end(), "format") == names.end()) {
    if (std::any_of(names.begin(), names.end(), is_ours)) return lacks(folder, "format");
    TRY_STATUS(make_identity(files, folder, options.node, options.first_members));
  }
  const std::string format = TRY(read_file(files, folder + "/format"));
  if (format == kFormatOfOne) TRY_STATUS(make_identity(files, folder, options.node, alone(options.node)));
  if (format == kFormat || format == kFormatOfOne) return read_identity(files, options);
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

raft::EntryKind kind_of(RecordType type) {
  if (type == RecordType::kNoop) return raft::EntryKind::kNoop;
  return type == RecordType::kMembership ? raft::EntryKind::kMembership : raft::EntryKind::kCommand;
}

/// In format 1 a transaction's session stood beside it.
Result<std::string> payload_of(const LogEntry& entry) {
  if (entry.session == 0) return std::string(entry.payload);
  Command command = TRY(decode_command(entry.payload));
  if (auto* txn = std::get_if<Txn>(&command.what)) {
    txn->session = entry.session;
    txn->sequence = entry.sequence;
  }
  return encode_command(command);
}

/// Takes the log's entries in, and applies those that were known to be committed when a later one was written.
class Replay {
 public:
  explicit Replay(SharedMachine& into) : into_(into) {}

  Status take(const LogEntry& entry) {
    if (entry.type == RecordType::kMove) return move_to(entry.index);
    if (entry.index != last() + 1) return gap(entry.index);
    pending_.push_back(std::make_shared<const raft::Entry>(
        raft::Entry{entry.term, entry.index, kind_of(entry.type), TRY(payload_of(entry))}));
    return apply_through(entry.type == RecordType::kEntry ? entry.index : entry.commit);
  }

  Status apply_through(raft::Index commit) {
    for (; !pending_.empty() && pending_.front()->index <= commit; pending_.pop_front()) {
      // An error is an outcome like any other: the entry's caller got it too.
      (void)TRY(apply_entry(into_, *pending_.front()));
      into_.machine.keys().clean(SIZE_MAX);
    }
    return {};
  }

  Result<raft::Membership> latest_members() const {
    for (auto entry = pending_.rbegin(); entry != pending_.rend(); ++entry)
      if ((*entry)->kind == raft::EntryKind::kMembership) return raft::decode_membership((*entry)->payload);
    return into_.members;
  }
  raft::Index last() const { return into_.machine.index() + pending_.size(); }
  raft::Entries pending() const { return {pending_.begin(), pending_.end()}; }

 private:
  static Error gap(raft::Index index) {
    return {Code::kDataLoss,
            "the log lacks what comes before entry " + std::to_string(index) +
                ", and no snapshot has it: put back a copy of the folder, or take the state from another node",
            "state.log-damaged"};
  }
  Status move_to(raft::Index index) {
    if (index > last()) return gap(index + 1);
    while (!pending_.empty() && pending_.back()->index > index) pending_.pop_back();
    return {};
  }

  SharedMachine& into_;
  std::deque<raft::EntryPtr> pending_;
};

/// Where the log goes on from the machine.
raft::Core::Stored stored_of(const Log& log, const SharedMachine& machine, raft::Entries entries) {
  raft::Core::Stored stored;
  stored.hard_state = log.ballot();
  if (stored.hard_state.term < log.last_term()) stored.hard_state = {log.last_term(), 0};  // of format 1
  stored.snapshot.index = machine.machine.index();
  stored.snapshot.term = machine.term;
  stored.snapshot.membership = machine.members;
  stored.entries = std::move(entries);
  return stored;
}

std::string numbers_of(const raft::Membership& members) {
  std::string out;
  for (const auto& [node, role] : members.members) out += (out.empty() ? "" : ", ") + std::to_string(node);
  return out;
}

/// Nodes that do not agree on who belongs to them could become two clusters, each with a leader.
Status check_members(const std::string& folder, const raft::Membership& has, const raft::Membership& wanted) {
  if (numbers_of(has) == numbers_of(wanted)) return {};
  return Error{Code::kFailedPrecondition,
               folder + " is the state of a cluster of the nodes " + numbers_of(has) + ", the settings name " +
                   numbers_of(wanted) + ": whoever belongs to it stays as when it was made",
               "state.members"};
}

Status load_newest_snapshot(FileSystem& files, const std::string& folder, SharedMachine& into) {
  const auto snapshots = TRY(list_snapshots(files, folder));
  if (snapshots.empty()) return {};
  const SnapshotHead head = TRY(load_snapshot(files, folder + "/" + snapshots.back(), into.machine));
  into.term = head.term;
  if (!head.members.members.empty()) into.members = head.members;
  return {};
}

/// A full disk is no reason not to open: the state can be read, and room be made.
Status ready_for_writing(Log& log) {
  auto ready = log.mark();
  if (ready.ok()) ready = log.make_spare();
  return ready.code() == Code::kResourceExhausted ? Status() : ready;
}

}  // namespace

bool is_alone(const raft::Membership& members, raft::NodeId node) {
  return members.voters() == 1 && members.votes(node);
}

Result<Result<Outcome>> apply_entry(SharedMachine& into, const raft::Entry& entry) {
  into.term = entry.term;
  if (entry.kind == raft::EntryKind::kCommand)
    return into.machine.apply(TRY(decode_command(entry.payload)), entry.index);
  if (entry.kind == raft::EntryKind::kMembership) into.members = TRY(raft::decode_membership(entry.payload));
  into.machine.skip(entry.index);
  return Result<Outcome>(Outcome{});
}

Result<Recovered> recover_folder(FileSystem& files, const FolderOptions& options, SharedMachine& into) {
  const std::string& folder = options.folder;
  Recovered recovered;
  TRY_STATUS(files.create_folder(folder));
  recovered.lock = TRY(files.lock(folder + "/lock"));
  into.members = TRY(open_identity(files, options));
  TRY_STATUS(remove_temporary(files, folder));
  TRY_STATUS(load_newest_snapshot(files, folder, into));
  Replay replay(into);
  recovered.log = TRY(Log::open(files, folder, options.log, into.machine.index(),
                                [&replay](const LogEntry& entry) { return replay.take(entry); }));
  const raft::Membership members = TRY(replay.latest_members());
  TRY_STATUS(check_members(folder, members, options.first_members));
  if (is_alone(members, options.node)) TRY_STATUS(replay.apply_through(replay.last()));
  TRY_STATUS(remove_old_snapshots(files, folder));
  TRY_STATUS(ready_for_writing(*recovered.log));
  recovered.stored = stored_of(*recovered.log, into, replay.pending());
  return recovered;
}

}  // namespace novacron::host::state
