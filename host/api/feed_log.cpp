#include "host/api/feed_log.h"

#include <algorithm>
#include <utility>

namespace novacron::host::api {
namespace {

/// The part of a block that is behind a place in the order.
FeedPiece piece_of(const FeedBlockPtr& block, uint64_t after) {
  const auto& marks = block->marks;
  const auto first = std::partition_point(marks.begin(), marks.end(), [&](const auto& m) { return m.order <= after; });
  const size_t begin = first == marks.begin() ? 0 : std::prev(first)->end;
  return {FeedText(block, &block->bytes), begin};
}

}  // namespace

FeedLog::FeedLog(Limits limits, uint64_t begin, Source* source) : limits_(limits), source_(source), begin_(begin) {}

void FeedLog::append(FeedBlockPtr block) {
  {
    const Lock lock(mutex_);
    add(std::move(block));
  }
  wake();
}

void FeedLog::wake() {
  decltype(waiting_) woken;
  {
    const Lock lock(waiting_mutex_);
    woken.swap(waiting_);
  }
  for (const auto& [signal, after] : woken) signal->raise();
}

void FeedLog::clear() {
  const Lock lock(mutex_);
  while (!blocks_.empty()) drop_oldest();
}

bool FeedLog::reaches(uint64_t after) const {
  const Lock lock(mutex_);
  return after >= begin_;
}

void FeedLog::add(FeedBlockPtr block) {
  bytes_ += block->bytes.size();
  messages_ += block->marks.size();
  blocks_.push_back(std::move(block));
  while (blocks_.size() > 1 && (bytes_ > limits_.bytes || messages_ > limits_.messages)) drop_oldest();
}

void FeedLog::drop_oldest() {
  const FeedBlock& oldest = *blocks_.front();
  begin_ = std::max(begin_, oldest.last());
  bytes_ -= oldest.bytes.size();
  messages_ -= oldest.marks.size();
  blocks_.pop_front();
}

/// False: the source has nothing.
bool FeedLog::make() {
  if (source_ == nullptr) return false;
  auto made = source_->make();
  if (made.lost != 0) {
    while (!blocks_.empty()) drop_oldest();
    begin_ = std::max(begin_, made.lost);
  }
  if (!made.block) return false;
  add(std::move(made.block));
  return true;
}

std::optional<FeedPieces> FeedLog::read(uint64_t& after) {
  FeedPieces pieces;
  size_t bytes = 0;
  const Lock lock(mutex_);
  if (after < begin_) return std::nullopt;
  auto next = std::partition_point(blocks_.begin(), blocks_.end(), [&](const auto& b) { return b->last() <= after; });
  size_t index = static_cast<size_t>(next - blocks_.begin());
  while (bytes < kReadBytes && pieces.size() < kReadBlocks) {
    if (index == blocks_.size()) {
      const bool made = make();
      if (after < begin_ && pieces.empty()) return std::nullopt;  // what it had not read was lost
      if (!made || after < begin_) break;
      index = blocks_.size() - 1;  // the oldest may have gone meanwhile
    }
    const FeedBlockPtr& block = blocks_[index++];
    if (block->last() <= after) continue;
    pieces.push_back(piece_of(block, after));
    bytes += pieces.back().view().size();
    after = block->last();
  }
  return pieces;
}

void FeedLog::wait(const std::shared_ptr<Signal>& signal, uint64_t after) {
  const Lock lock(waiting_mutex_);
  waiting_[signal] = after;
}

/// The place up to which every client has read; none: not all of them wait.
std::optional<uint64_t> FeedLog::read_by_all() const {
  const Lock lock(waiting_mutex_);
  if (waiting_.size() < readers_) return std::nullopt;
  uint64_t least = UINT64_MAX;
  for (const auto& [signal, after] : waiting_) least = std::min(least, after);
  return least;
}

void FeedLog::trim_for_waiting() {
  const auto read = read_by_all();
  if (!read) return;
  const Lock lock(mutex_);
  while (bytes_ > kKeptBytes && blocks_.size() > 1 && blocks_.front()->last() <= *read) drop_oldest();
}

FeedLog::Reader::Reader(std::shared_ptr<FeedLog> log, uint64_t after, std::shared_ptr<Signal> signal)
    : log_(std::move(log)), after_(after), signal_(std::move(signal)) {
  ++log_->readers_;
}

FeedLog::Reader::~Reader() {
  --log_->readers_;
  const Lock lock(log_->waiting_mutex_);
  log_->waiting_.erase(signal_);
}

std::optional<FeedPieces> FeedLog::Reader::read() {
  auto pieces = log_->read(after_);
  if (!pieces || !pieces->empty()) return pieces;
  log_->wait(signal_, after_);
  pieces = log_->read(after_);  // what came before it waited
  if (pieces && pieces->empty()) log_->trim_for_waiting();
  return pieces;
}

}  // namespace novacron::host::api
