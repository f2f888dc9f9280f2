#include "host/state/log.h"

#include <random>

#include "tests/sim/state_disk.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::state;

namespace {

constexpr uint64_t kSegmentBytes = 4'096;
const std::string kFolder = "data";
const Log::Options kOptions{.segment_bytes = kSegmentBytes, .salt = 0x1234};

using Payloads = std::vector<std::string>;

struct Opened {
  Status status;
  std::unique_ptr<Log> log;
  Payloads payloads;
};

Opened open_log(sim::Disk& disk, uint64_t after_index = 0) {
  Opened opened;
  auto log = Log::open(disk, kFolder, kOptions, after_index, [&](const LogEntry& entry) -> Status {
    CHECK(entry.index == after_index + opened.payloads.size() + 1);
    opened.payloads.emplace_back(entry.payload);
    return {};
  });
  if (log.ok())
    opened.log = *std::move(log);
  else
    opened.status = log.error();
  return opened;
}

void append(Log& log, const std::string& payload) {
  log.append({.term = 1, .index = log.last_index() + 1, .session = 0, .sequence = 0, .payload = payload});
}

std::string payload_of(size_t number) {
  return "entry " + std::to_string(number) + std::string(number * 37 % 90, 'x');
}

void commit_entries(Log& log, size_t count) {
  for (size_t each = 0; each < count; ++each) append(log, payload_of(log.last_index() + 1));
  REQUIRE(log.commit().ok());
}

/// The first `count` payloads that payload_of makes.
Payloads first(size_t count) {
  Payloads payloads;
  for (size_t number = 1; number <= count; ++number) payloads.push_back(payload_of(number));
  return payloads;
}

std::string newest_segment(const sim::Disk& disk) {
  std::string newest;
  for (const std::string& path : disk.paths())
    if (path.starts_with(kFolder + "/log-")) newest = path;
  return newest;
}

/// Where the records of a segment end.
size_t end_of(const std::string& segment) {
  return scan_segment(segment, *decode_segment_header(segment), {})->end;
}

size_t segments(const sim::Disk& disk) {
  size_t count = 0;
  for (const std::string& path : disk.paths()) count += path.starts_with(kFolder + "/log-") ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("what was committed is there after opening again, over many segments") {
  sim::Disk disk;
  {
    auto opened = open_log(disk);
    REQUIRE(opened.log);
    for (size_t batch = 0; batch < 100; ++batch) commit_entries(*opened.log, 1 + batch % 3);
  }
  CHECK(segments(disk) > 5);
  auto opened = open_log(disk);
  REQUIRE(opened.log);
  CHECK(opened.payloads == first(199));
  CHECK(opened.log->last_index() == 199);
}

namespace {

LogEntry command(uint64_t term, uint64_t index, std::string_view payload, uint64_t commit = 0) {
  return {.term = term, .index = index, .payload = payload, .type = RecordType::kCommand, .commit = commit};
}

/// What a log says when it is opened: entries as "term/index payload", moves as "to index".
struct Told {
  std::unique_ptr<Log> log;
  Payloads lines;
};
Told reopen(sim::Disk& disk, uint64_t after_index = 0) {
  Told told;
  auto log = Log::open(disk, kFolder, kOptions, after_index, [&](const LogEntry& entry) -> Status {
    const bool is_move = entry.type == RecordType::kMove;
    told.lines.push_back(is_move ? "to " + std::to_string(entry.index)
                                 : std::to_string(entry.term) + "/" + std::to_string(entry.index) + " " +
                                       std::string(entry.payload));
    return {};
  });
  INFO((log.ok() ? std::string() : log.error().message));
  REQUIRE(log.ok());
  told.log = *std::move(log);
  return told;
}

}  // namespace

TEST_CASE("entries that a later leader replaces are told with the move that makes them void") {
  sim::Disk disk;
  auto log = reopen(disk).log;
  log->append(command(1, 1, "a"));
  log->append(command(1, 2, "b"));
  log->append(command(1, 3, "c"));
  REQUIRE(log->commit().ok());
  log->append_move(1, 1, 1);
  log->append(command(2, 2, "B", 1));
  REQUIRE(log->commit().ok());
  CHECK(log->last_index() == 2);
  log.reset();
  auto told = reopen(disk);
  CHECK(told.lines == Payloads{"1/1 a", "1/2 b", "1/3 c", "to 1", "2/2 B"});
  CHECK(told.log->last_index() == 2);
  CHECK(told.log->last_term() == 2);
}

TEST_CASE("term and vote are kept, also when the segment that they were written to is gone") {
  sim::Disk disk;
  auto log = reopen(disk).log;
  log->append_ballot({7, 3});
  REQUIRE(log->commit().ok());
  for (uint64_t index = 1; segments(disk) < 4; ++index) {
    log->append(command(1, index, std::string(500, 'x')));
    REQUIRE(log->commit().ok());
  }
  const uint64_t last = log->last_index();
  REQUIRE(log->drop_through(last).ok());
  REQUIRE(segments(disk) == 1);
  log.reset();
  log = reopen(disk, last).log;
  CHECK(log->ballot() == novacron::host::raft::HardState{7, 3});
  log->append_ballot({8, 0});
  REQUIRE(log->commit().ok());
  log.reset();
  CHECK(reopen(disk, last).log->ballot() == novacron::host::raft::HardState{8, 0});
}

TEST_CASE("a snapshot from elsewhere is announced: cut short anywhere, the log goes on behind it or as before") {
  sim::Disk disk;
  auto log = reopen(disk).log;
  log->append(command(1, 1, "a"));
  log->append_install(100, 5);
  REQUIRE(log->commit().ok());
  log.reset();
  SECTION("the snapshot never came") {
    log = reopen(disk).log;
    CHECK(log->last_index() == 1);
    log->append(command(1, 2, "b"));
    REQUIRE(log->commit().ok());
    log.reset();
    // It was given up: from here on an end before a snapshot is a loss again.
    CHECK(Log::open(disk, kFolder, kOptions, 100, [](const LogEntry&) { return Status(); }).error().reason ==
          "state.log-damaged");
  }
  SECTION("the snapshot is there, the move is not") {
    auto told = reopen(disk, 100);
    CHECK(told.lines == Payloads{"to 100"});
    CHECK(told.log->last_index() == 100);
    CHECK(told.log->last_term() == 5);
    told.log->append(command(5, 101, "b"));
    REQUIRE(told.log->commit().ok());
    told.log.reset();
    CHECK(reopen(disk, 100).lines == Payloads{"to 100", "5/101 b"});
  }
}

TEST_CASE("room that was made is there: what is written into it does not fail on a full disk") {
  sim::Disk disk;
  auto log = reopen(disk).log;
  REQUIRE(log->make_spare().ok());
  disk.set_capacity(0);
  uint64_t index = 0;
  Status room;
  for (; room.ok(); room = log->make_room(1'000)) {
    log->append(command(1, ++index, std::string(900, 'x')));
    REQUIRE(log->commit().ok());
    REQUIRE(index < 100);
  }
  CHECK(room.code() == Code::kResourceExhausted);
  CHECK(log->make_room(2 * kSegmentBytes).code() == Code::kResourceExhausted);
  disk.set_capacity(UINT64_MAX);
  REQUIRE(log->make_room(2 * kSegmentBytes).ok());
  log->append(command(1, ++index, std::string(2 * kSegmentBytes - 100, 'x')));
  REQUIRE(log->commit().ok());
  log.reset();
  CHECK(reopen(disk).log->last_index() == index);
}

TEST_CASE("a batch that was never synced may be cut at any byte: what was acknowledged stays") {
  sim::Disk disk;
  std::string before, after;
  {
    auto opened = open_log(disk);
    commit_entries(*opened.log, 3);
    commit_entries(*opened.log, 2);
    before = disk.read(newest_segment(disk));
    commit_entries(*opened.log, 6);
    after = disk.read(newest_segment(disk));
  }
  const std::string path = newest_segment(disk);
  for (size_t cut = end_of(before); cut <= end_of(after); ++cut) {
    INFO("cut at byte " << cut);
    disk.write(path, after.substr(0, cut) + before.substr(cut));
    auto opened = open_log(disk);
    REQUIRE(opened.log);
    REQUIRE(opened.payloads.size() >= 5);
    REQUIRE(opened.payloads == first(opened.payloads.size()));
    REQUIRE((cut < end_of(after) || opened.payloads.size() == 11));
    commit_entries(*opened.log, 1);
    const Payloads expected = first(opened.payloads.size() + 1);
    opened.log.reset();
    REQUIRE(open_log(disk).payloads == expected);
  }
}

TEST_CASE("any pieces of a batch that was never synced may be missing") {
  sim::Disk disk;
  std::string before, after;
  {
    auto opened = open_log(disk);
    commit_entries(*opened.log, 5);
    before = disk.read(newest_segment(disk));
    commit_entries(*opened.log, 12);
    after = disk.read(newest_segment(disk));
  }
  const std::string path = newest_segment(disk);
  constexpr size_t kPiece = 32;
  for (uint64_t seed = 0; seed < 1'000; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    std::string mixed = after;
    for (size_t at = 0; at < mixed.size(); at += kPiece)
      if (random() % 3 == 0) mixed.replace(at, kPiece, before, at, kPiece);
    disk.write(path, mixed);
    auto opened = open_log(disk);
    REQUIRE(opened.log);
    REQUIRE(opened.payloads.size() >= 5);
    REQUIRE(opened.payloads == first(opened.payloads.size()));
  }
}

TEST_CASE("a flipped bit in what was synced is never cut off as a torn tail, and never read") {
  sim::Disk disk;
  {
    auto opened = open_log(disk);
    for (size_t batch = 0; batch < 6; ++batch) commit_entries(*opened.log, 1 + batch % 3);
    REQUIRE(opened.log->mark().ok());
  }
  const std::string path = newest_segment(disk);
  const std::string intact = disk.read(path);
  const size_t mark_at = end_of(intact) - record_bytes(0);
  for (size_t byte = 0; byte < end_of(intact); ++byte) {
    INFO("byte " << byte);
    std::string flipped = intact;
    flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << (byte % 8)));
    disk.write(path, flipped);
    auto opened = open_log(disk);
    if (opened.log) {
      REQUIRE((opened.payloads == first(12)));  // padding, or the mark itself
    } else {
      REQUIRE(byte < mark_at);
      REQUIRE(opened.status.error().code == Code::kDataLoss);
      REQUIRE(opened.status.error().reason == "state.log-damaged");
      REQUIRE(disk.read(path) == flipped);  // nothing was changed
    }
  }
}

TEST_CASE("a piece that the disk lost from the middle of a long log is seen, in any segment") {
  sim::Disk disk;
  {
    auto opened = open_log(disk);
    for (size_t batch = 0; batch < 60; ++batch) commit_entries(*opened.log, 2);
    REQUIRE(opened.log->mark().ok());
  }
  std::vector<std::string> paths;
  for (const std::string& path : disk.paths())
    if (path.starts_with(kFolder + "/log-")) paths.push_back(path);
  for (uint64_t seed = 0; seed < 500; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const std::string& path = paths[random() % paths.size()];
    const std::string intact = disk.read(path);
    const size_t start = random() % end_of(intact);
    // Beyond the mark nothing is left that could tell.
    const size_t end = &path == &paths.back() ? end_of(intact) - record_bytes(0) : intact.size();
    const size_t size = std::min<size_t>(1 + random() % 600, end - std::min(start, end));
    std::string holed = intact;
    holed.replace(start, size, size, '\0');
    disk.write(path, holed);
    auto opened = open_log(disk);
    if (opened.log) REQUIRE((opened.payloads == first(120)));
    opened.log.reset();
    disk.write(path, intact);
  }
  REQUIRE(disk.remove(paths[1]).ok());
  CHECK(open_log(disk).status.error().reason == "state.log-damaged");
}

TEST_CASE("a log that is missing, or does not reach the snapshot, does not open as an empty one") {
  sim::Disk disk;
  CHECK(open_log(disk, 5).status.error().reason == "state.log-damaged");
  commit_entries(*open_log(disk).log, 4);
  CHECK(open_log(disk, 5).status.error().reason == "state.log-damaged");
  CHECK(open_log(disk, 4).log);
}

TEST_CASE("segments that a snapshot covers are dropped, and one becomes the spare") {
  sim::Disk disk;
  auto opened = open_log(disk);
  Log& log = *opened.log;
  for (size_t each = 0; each < 100; ++each) commit_entries(log, 1);
  const size_t before = segments(disk);
  REQUIRE(log.drop_through(90).ok());
  CHECK(segments(disk) < before);
  CHECK(log.has_spare());
  for (size_t each = 0; each < 100; ++each) commit_entries(log, 1);
  opened.log.reset();
  auto again = open_log(disk, 90);
  REQUIRE(again.log);
  REQUIRE(again.payloads.size() == 110);
  CHECK(again.payloads.front() == payload_of(91));
  CHECK(again.payloads.back() == payload_of(200));
  CHECK(open_log(disk, 10).status.error().reason == "state.log-damaged");
}

TEST_CASE("on a full disk the batch is refused as a whole and does not come back") {
  sim::Disk disk;
  auto opened = open_log(disk);
  REQUIRE(opened.log->make_spare().ok());
  commit_entries(*opened.log, 3);
  size_t accepted = 3;
  disk.set_capacity(0);
  Status refused;
  while (refused.ok()) {
    append(*opened.log, payload_of(accepted + 1));
    refused = opened.log->commit();
    if (refused.ok()) ++accepted;
    REQUIRE(accepted < 1'000);
  }
  CHECK(refused.code() == Code::kResourceExhausted);
  CHECK(accepted > 30);  // the spare was used
  CHECK_FALSE(opened.log->has_spare());
  CHECK(opened.log->last_index() == accepted);

  std::mt19937_64 random(1);
  disk.crash(random);
  disk.set_capacity(UINT64_MAX);
  auto again = open_log(disk);
  REQUIRE(again.log);
  CHECK(again.payloads == first(accepted));
  commit_entries(*again.log, 1);
  CHECK(again.log->has_spare());
}

TEST_CASE("a batch that fits in part is wiped out") {
  sim::Disk disk;
  auto opened = open_log(disk);
  commit_entries(*opened.log, 1);
  const uint64_t used = disk.read(newest_segment(disk)).size();
  disk.set_capacity(used + kSegmentBytes);
  for (size_t each = 0; each < 3; ++each) append(*opened.log, std::string(1'500, 'x'));  // two fit
  CHECK(opened.log->commit().code() == Code::kResourceExhausted);
  opened.log.reset();
  auto again = open_log(disk);
  CHECK(again.payloads == first(1));
}

TEST_CASE("after a failed sync the log says that it must not be used") {
  sim::Disk disk;
  auto opened = open_log(disk);
  commit_entries(*opened.log, 1);
  disk.fail_next_sync();
  append(*opened.log, "x");
  auto committed = opened.log->commit();
  CHECK(committed.error().reason == "state.sync");
  CHECK(committed.code() != Code::kResourceExhausted);
}

namespace {

/// One log through many power cuts, with what it acknowledged beside it.
class CrashRun {
 public:
  explicit CrashRun(uint64_t seed) : random_(seed) {
    cut_share_ = 5 + random_() % 100;
    batch_share_ = 1 + random_() % 6;
    payload_share_ = 1 + random_() % 1'500;
  }

  void run(size_t crashes) {
    for (size_t crash = 0; crash < crashes; ++crash) {
      disk_.cut_power_after(1 + random_() % cut_share_);
      auto log = recover();
      while (log && disk_.has_power()) step(*log);
      log.reset();
      disk_.crash(random_);
    }
    REQUIRE(recover());
  }

 private:
  /// Null: the power went meanwhile.
  std::unique_ptr<Log> recover() {
    auto opened = open_log(disk_, dropped_);
    if (!opened.log) {
      INFO(opened.status.error().message);
      REQUIRE_FALSE(disk_.has_power());
      return nullptr;
    }
    const size_t known = acknowledged_.size() - dropped_;
    REQUIRE(opened.payloads.size() >= known);
    REQUIRE(opened.payloads.size() <= known + pending_.size());
    for (size_t at = 0; at < opened.payloads.size(); ++at)
      REQUIRE(opened.payloads[at] == (at < known ? acknowledged_[dropped_ + at] : pending_[at - known]));
    for (size_t at = known; at < opened.payloads.size(); ++at) acknowledged_.push_back(opened.payloads[at]);
    pending_.clear();
    if (!opened.log->mark().ok() || !opened.log->make_spare().ok()) return nullptr;
    return std::move(opened.log);
  }

  void step(Log& log) {
    switch (random_() % 12) {
      case 0:
        (void)log.mark();
        return;
      case 1:
        drop(log);
        return;
      default:
        commit(log);
    }
  }

  /// As the engine does it: only behind a snapshot, which is durable.
  void drop(Log& log) {
    dropped_ += random_() % (acknowledged_.size() - dropped_ + 1);
    (void)log.drop_through(dropped_);
  }

  void commit(Log& log) {
    pending_.clear();
    for (size_t left = 1 + random_() % batch_share_; left > 0; --left) {
      std::string payload(random_() % payload_share_, '\0');
      for (char& byte : payload) byte = static_cast<char>(random_());
      append(log, payload);
      pending_.push_back(std::move(payload));
    }
    if (!log.commit().ok()) return;
    acknowledged_.insert(acknowledged_.end(), pending_.begin(), pending_.end());
    pending_.clear();
  }

  std::mt19937_64 random_;
  sim::Disk disk_;
  uint64_t cut_share_;
  uint64_t batch_share_;
  uint64_t payload_share_;
  Payloads acknowledged_;
  Payloads pending_;
  size_t dropped_ = 0;
};

}  // namespace

TEST_CASE("the power may go at any operation, again and again: nothing acknowledged is lost") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    CrashRun(seed).run(15);
  }
}
