// Names for objects that are handed across a boundary: a name is never used twice, so a stale one finds nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

namespace novacron::host {

/// [any] thread. An id is (generation << 32 | place + 1); 0 names nothing. A place whose generations are used up is
/// never used again. T is cheap to copy, and a default-made one means "none" (a shared_ptr).
template <class T>
class IdTable {
 public:
  explicit IdTable(size_t max_entries) : max_entries_(max_entries) {}
  IdTable(const IdTable&) = delete;
  IdTable& operator=(const IdTable&) = delete;

  /// 0 when the table is full or closed.
  uint64_t insert(T value) {
    std::lock_guard lock(mutex_);
    if (closed_ || size_ >= max_entries_) return 0;
    uint32_t place = 0;
    if (free_.empty()) {
      place = static_cast<uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      place = free_.back();
      free_.pop_back();
    }
    ++size_;
    entries_[place].value = std::move(value);
    entries_[place].used = true;
    return id_of(place);
  }

  T find(uint64_t id) const {
    std::lock_guard lock(mutex_);
    const uint32_t place = place_of(id);
    return place == kNowhere ? T{} : entries_[place].value;
  }

  /// The value that it named; a stale id takes nothing.
  T take(uint64_t id) {
    std::lock_guard lock(mutex_);
    const uint32_t place = place_of(id);
    if (place == kNowhere) return T{};
    return vacate(place);
  }

  /// The same if `holds` of the value; else nothing is taken.
  template <class Predicate>
  T take_when(uint64_t id, Predicate&& holds) {
    std::lock_guard lock(mutex_);
    const uint32_t place = place_of(id);
    if (place == kNowhere || !holds(std::as_const(entries_[place].value))) return T{};
    return vacate(place);
  }

  /// All values; their ids are stale from then on.
  std::vector<T> take_all() {
    std::lock_guard lock(mutex_);
    return vacate_all();
  }

  /// The same, and nothing is ever inserted again.
  std::vector<T> close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    return vacate_all();
  }

  /// Those that hold; their ids are stale from then on.
  template <class Predicate>
  std::vector<T> take_if(Predicate&& holds) {
    std::lock_guard lock(mutex_);
    std::vector<T> taken;
    for (uint32_t place = 0; place < entries_.size(); ++place) {
      if (entries_[place].used && holds(std::as_const(entries_[place].value))) taken.push_back(vacate(place));
    }
    return taken;
  }

  std::vector<T> all() const {
    std::lock_guard lock(mutex_);
    std::vector<T> values;
    for (const Entry& entry : entries_) {
      if (entry.used) values.push_back(entry.value);
    }
    return values;
  }

  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint32_t kNowhere = std::numeric_limits<uint32_t>::max();
  struct Entry {
    T value{};
    uint32_t generation = 0;
    bool used = false;
  };

  uint64_t id_of(uint32_t place) const { return uint64_t{entries_[place].generation} << 32 | (uint64_t{place} + 1); }

  uint32_t place_of(uint64_t id) const {
    const auto place = static_cast<uint32_t>(id) - 1;  // of 0: beyond every table
    if (place >= entries_.size() || !entries_[place].used || entries_[place].generation != id >> 32) return kNowhere;
    return place;
  }

  T vacate(uint32_t place) {
    Entry& entry = entries_[place];
    entry.used = false;
    --size_;
    if (++entry.generation != 0) free_.push_back(place);
    return std::exchange(entry.value, T{});
  }

  std::vector<T> vacate_all() {
    std::vector<T> taken;
    for (uint32_t place = 0; place < entries_.size(); ++place) {
      if (entries_[place].used) taken.push_back(vacate(place));
    }
    return taken;
  }

  const size_t max_entries_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
  std::atomic<size_t> size_ = 0;  ///< changed under the lock
  bool closed_ = false;
};

}  // namespace novacron::host
