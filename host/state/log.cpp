#include "host/state/log.h"

#include <algorithm>
#include <cstdio>

#include "host/base/log.h"

namespace novacron::host::state {
namespace {

constexpr std::string_view kPrefix = "log-";
constexpr const char* kSpare = "spare";

std::string segment_name(const Position& before) {
  char name[32];
  std::snprintf(name, sizeof name, "log-%020llu", static_cast<unsigned long long>(before.serial + 1));
  return name;
}

Error damaged(const std::string& what) {
  return {Code::kDataLoss,
          what +
              ". Entries that had been acknowledged are lost, so the state does not open by itself: put back a copy of "
              "the folder, or take the state from another node",
          "state.log-damaged"};
}

}  // namespace

Log::Log(FileSystem& files, std::string folder, Options options)
    : files_(files), folder_(std::move(folder)), options_(options) {}

Result<std::unique_ptr<Log>> Log::open(FileSystem& files, std::string folder, Options options, uint64_t after_index,
                                       const Visitor& visit) {
  std::unique_ptr<Log> log(new Log(files, std::move(folder), options));
  TRY_STATUS(log->recover(after_index, visit));
  return log;
}

Status Log::recover(uint64_t after_index, const Visitor& visit) {
  TRY_STATUS(find_segments(after_index));
  if (segments_.empty()) {
    if (after_index > 0) return damaged("the log is missing in " + folder_);
    TRY_STATUS(create_first_segment());
  } else {
    for (size_t number = 0; number < segments_.size(); ++number)
      TRY_STATUS(recover_segment(number, after_index, visit));
    const bool is_installing = installing_ && installing_->index == after_index;
    if (durable_.index < after_index && !is_installing)
      return damaged("the log in " + folder_ + " ends before the snapshot");
    file_ = TRY(files_.open(path(segments_.back().name), FileSystem::Open::kWrite));
  }
  appended_ = durable_;
  // What was read may still be in the page cache only, left by a process that was killed before its sync.
  TRY_STATUS(file_->sync());
  TRY_STATUS(files_.sync_folder(folder_));
  return finish_install(after_index, visit);
}

/// The snapshot is there, its move may not be. Nothing but a mark came after the announcement, or note() had forgotten
/// it.
Status Log::finish_install(uint64_t after_index, const Visitor& visit) {
  if (!installing_ || installing_->index != after_index) return {};
  const LogEntry move{.term = installing_->term,
                      .index = installing_->index,
                      .payload = {},
                      .type = RecordType::kMove,
                      .commit = installing_->index};
  append_move(move.index, move.term, move.commit);
  TRY_STATUS(commit());
  return visit(move);
}

/// What a record says beside its entry.
void Log::note(const Record& record) {
  if (record.type == RecordType::kBallot) ballot_ = {record.first, record.second};
  if (record.type == RecordType::kInstall)
    installing_ = Position{.serial = 0, .index = record.first, .term = record.second, .checksum = 0};
  else if (record.type != RecordType::kMark)
    installing_.reset();
}

/// Segments that the snapshot covers as a whole are left out: removing them may have been cut short.
Status Log::find_segments(uint64_t after_index) {
  for (auto& name : TRY(files_.list(folder_))) {
    if (name == kSpare) has_spare_ = true;
    if (name.compare(0, kPrefix.size(), kPrefix) != 0 || name.ends_with(".tmp")) continue;
    auto file = TRY(files_.open(path(name), FileSystem::Open::kRead));
    char header[kSegmentHeaderBytes];
    const size_t got = TRY(file->read_at(0, header, sizeof header));
    const auto decoded = decode_segment_header({header, got});
    if (!decoded || segment_name(decoded->before) != name || (!segments_.empty() && decoded->salt != salt_))
      return damaged("the header of " + path(name) + " is damaged");
    salt_ = decoded->salt;
    segments_.push_back({std::move(name), decoded->before, decoded->ballot});
  }
  while (segments_.size() > 1 && segments_[1].before.index <= after_index) {
    TRY_STATUS(files_.remove(path(segments_.front().name)));
    segments_.pop_front();
  }
  if (!segments_.empty() && segments_.front().before.index > after_index)
    return damaged("the log in " + folder_ + " starts behind what it should continue");
  return {};
}

Status Log::recover_segment(size_t number, uint64_t after_index, const Visitor& visit) {
  const Segment& segment = segments_[number];
  if (number > 0 && segment.before != durable_)
    return damaged("records are damaged or missing before " + path(segment.name));
  const std::string bytes = TRY(read_file(files_, path(segment.name)));
  if (number == 0) ballot_ = segment.ballot;
  const Scan scan = TRY(scan_segment(bytes, {segment.before, salt_, {}}, [&](const Record& record) -> Status {
    note(record);
    if (record.type != RecordType::kMove && (!is_entry(record.type) || record.at.index <= after_index)) return {};
    LogEntry entry{.term = record.at.term, .index = record.at.index, .payload = record.payload, .type = record.type};
    if (record.type == RecordType::kEntry) {
      entry.session = record.first;
      entry.sequence = record.second;
    } else {
      entry.commit = record.first;
    }
    return visit(entry);
  }));
  if (scan.damaged)
    return damaged("the record at offset " + std::to_string(scan.end) + " of " + path(segment.name) + " is damaged");
  durable_ = scan.last;
  durable_ballot_ = ballot_;
  end_ = scan.end;
  return {};
}

/// Made elsewhere and renamed, so that a segment never lacks its header.
Status Log::create_first_segment() {
  salt_ = options_.salt;
  const std::string name = segment_name({});
  TRY_STATUS(write_file(files_, folder_, name, encode_segment_header({{}, salt_, {}})));
  file_ = TRY(files_.open(path(name), FileSystem::Open::kWrite));
  TRY_STATUS(file_->allocate(options_.segment_bytes));
  segments_.push_back({name, {}, {}});
  end_ = kSegmentHeaderBytes;
  return {};
}

/// Its place in the chain is set here; its index and term are the last ones unless they are given.
void Log::append_record(Record record) {
  record.at.serial = appended_.serial + 1;
  record.previous_checksum = appended_.checksum;
  record.durable = durable_.serial;
  record.at.checksum = encode_record(record, salt_, batch_);
  appended_ = record.at;
}

void Log::append(const LogEntry& entry) {
  assert(entry.index == appended_.index + 1 && entry.term >= appended_.term);
  assert(entry.payload.size() <= kMaxPayloadBytes && is_entry(entry.type));
  const bool has_session = entry.type == RecordType::kEntry;
  append_record({.type = entry.type,
                 .at = {.serial = 0, .index = entry.index, .term = entry.term, .checksum = 0},
                 .first = has_session ? entry.session : entry.commit,
                 .second = has_session ? entry.sequence : 0,
                 .payload = entry.payload});
}

void Log::append_ballot(const raft::HardState& ballot) {
  ballot_ = ballot;
  append_record(
      {.type = RecordType::kBallot, .at = appended_, .first = ballot.term, .second = ballot.vote, .payload = {}});
}

void Log::append_move(uint64_t index, uint64_t term, uint64_t commit) {
  installing_.reset();
  append_record({.type = RecordType::kMove,
                 .at = {.serial = 0, .index = index, .term = term, .checksum = 0},
                 .first = commit,
                 .payload = {}});
}

void Log::append_install(uint64_t index, uint64_t term) {
  append_record({.type = RecordType::kInstall, .at = appended_, .first = index, .second = term, .payload = {}});
}

Status Log::commit() {
  if (batch_.empty()) return {};
  auto written = write_batch();
  if (written.ok()) {
    marked_ = durable_.serial;
    durable_ = appended_;
    durable_ballot_ = ballot_;
  } else {
    appended_ = durable_;
    ballot_ = durable_ballot_;
  }
  batch_.clear();
  return written;
}

Status Log::make_room(size_t bytes) {
  assert(batch_.empty());
  if (end_ + bytes <= options_.segment_bytes) return {};
  if (end_ > kSegmentHeaderBytes) TRY_STATUS(rotate());
  const uint64_t needed = kSegmentHeaderBytes + bytes;
  return needed <= options_.segment_bytes ? Status() : file_->allocate(needed);
}

Status Log::write_batch() {
  if (end_ + batch_.size() > options_.segment_bytes && end_ > kSegmentHeaderBytes) TRY_STATUS(rotate());
  auto written = file_->write_at(end_, batch_);
  if (!written.ok()) {
    if (written.code() == Code::kResourceExhausted) TRY_STATUS(erase_unsynced());
    return written;
  }
  auto synced = file_->sync();
  if (!synced.ok()) return Error{Code::kInternal, synced.error().message, "state.sync"};
  end_ += batch_.size();
  return {};
}

/// Part of a refused batch may be in the file, and must not be found there after a crash. Where zeros cannot be written
/// for lack of space, nothing of the batch was written either.
Status Log::erase_unsynced() {
  const std::string zeros(batch_.size(), '\0');
  auto erased = file_->write_at(end_, zeros);
  if (erased.ok() || erased.code() == Code::kResourceExhausted) erased = file_->sync();
  if (!erased.ok()) return Error{Code::kInternal, erased.error().message, "state.sync"};
  std::string found(batch_.size(), '\0');
  found.resize(TRY(file_->read_at(end_, found.data(), found.size())));
  if (found.find_first_not_of('\0') != std::string::npos)
    return Error{Code::kInternal, "a refused write to the log could not be undone", "state.sync"};
  return {};
}

Status Log::mark() {
  if (marked_ == durable_.serial) return {};
  append_record({.type = RecordType::kMark, .at = durable_, .payload = {}});
  auto marked = commit();
  if (marked.ok()) marked_ = durable_.serial;  // the mark itself needs no mark
  return marked;
}

Status Log::rotate() {
  if (!has_spare_) TRY_STATUS(make_spare());
  const std::string name = segment_name(durable_);
  auto next = TRY(files_.open(path(kSpare), FileSystem::Open::kWrite));
  TRY_STATUS(next->write_at(0, encode_segment_header({durable_, salt_, durable_ballot_})));
  auto moved = next->sync();
  if (moved.ok()) moved = files_.rename(path(kSpare), path(name));
  if (moved.ok()) moved = files_.sync_folder(folder_);
  if (!moved.ok()) return Error{Code::kInternal, moved.error().message, "state.sync"};
  segments_.push_back({name, durable_, durable_ballot_});
  file_ = std::move(next);
  end_ = kSegmentHeaderBytes;
  has_spare_ = false;
  spare_is_recycled_ = false;
  auto spare = make_spare();
  if (!spare.ok()) log_warn("state", "no space for a spare log segment", {{"error", spare.error().message}});
  return {};
}

Status Log::make_spare() {
  if (has_spare_) return {};
  const std::string temporary = path(kSpare) + ".tmp";
  {
    auto file = TRY(files_.open(temporary, FileSystem::Open::kCreate));
    auto allocated = file->allocate(options_.segment_bytes);
    if (allocated.ok()) allocated = file->sync();
    if (!allocated.ok()) {
      (void)files_.remove(temporary);
      return allocated;
    }
  }
  TRY_STATUS(files_.rename(temporary, path(kSpare)));
  has_spare_ = true;
  spare_is_recycled_ = false;
  return {};
}

/// The folder is synced before the spare may be written to: else, after a crash, the old name could stand for a file
/// that has a new header.
Status Log::drop_through(uint64_t index) {
  bool dropped = false;
  for (; segments_.size() > 1 && segments_[1].before.index <= index; segments_.pop_front()) {
    const std::string old = path(segments_.front().name);
    dropped = true;
    if (has_spare_ && spare_is_recycled_) {
      TRY_STATUS(files_.remove(old));
      continue;
    }
    TRY_STATUS(files_.rename(old, path(kSpare)));
    has_spare_ = true;
    spare_is_recycled_ = true;
  }
  return dropped ? files_.sync_folder(folder_) : Status();
}

}  // namespace novacron::host::state
