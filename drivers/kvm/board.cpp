#include "board.h"

#include <algorithm>
#include <chrono>

namespace novacron::kvm {
namespace {

using compute::v1::GuestStatus;

// Guests that are gone are remembered for watchers that have not seen it, up to so many.
constexpr size_t kAbsentMax = 1024;

}  // namespace

std::optional<GuestStatus> Board::set(const GuestStatus& status) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[status.uid];
  const bool first = entry.version == 0;
  if (!first && entry.status == status) return std::nullopt;
  GuestStatus before = std::exchange(entry.status, status);
  entry.version = ++version_;
  forget_old_absent();
  changed_.notify_all();
  return first ? std::nullopt : std::optional(std::move(before));
}

void Board::forget_old_absent() {
  const auto absent = [](const auto& item) { return item.second.status.state == GuestStatus::State::kAbsent; };
  if (static_cast<size_t>(std::count_if(entries_.begin(), entries_.end(), absent)) <= kAbsentMax) return;
  auto oldest = entries_.end();
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (absent(*it) && (oldest == entries_.end() || it->second.version < oldest->second.version)) oldest = it;
  }
  entries_.erase(oldest);
}

std::optional<GuestStatus> Board::get(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(uid);
  return found == entries_.end() ? std::nullopt : std::optional(found->second.status);
}

Board::Changes Board::after(uint64_t version, uint64_t timeout_ms) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return version_ > version; });
  Changes changes{.guests = {}, .version = version_};
  for (const auto& [uid, entry] : entries_) {
    if (entry.version > version) changes.guests.push_back(entry.status);
  }
  return changes;
}

bool Board::wait(const std::string& uid, const std::function<bool(const GuestStatus&)>& holds,
                 uint64_t timeout_ms) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] {
    const auto found = entries_.find(uid);
    return found != entries_.end() && holds(found->second.status);
  });
}

}  // namespace novacron::kvm
