#include "sdk/boundary/guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace novacron::boundary {
namespace {

size_t page_bytes() {
  static const auto size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

// Structs end at the guard page and must be aligned at their begin: their sizes are multiples of 8, bytes' need not be.
size_t rounded_up(size_t length) {
  const size_t page = page_bytes();
  return (length + page - 1) / page * page;
}

}  // namespace

GuardedMemory::GuardedMemory() : regions_(std::make_unique<Region[]>(kMaxLoans)) {}

GuardedMemory::~GuardedMemory() {
  for (size_t i = 0; i < used_; ++i) {
    if (regions_[i].begin != 0) ::munmap(reinterpret_cast<void*>(regions_[i].begin.load()), regions_[i].mapped);
  }
}

// With the lock held. Those that have been over the longest are no longer watched when the room ends.
size_t GuardedMemory::free_region() {
  if (used_ < kMaxLoans) return used_++;
  if (over_.empty()) return kMaxLoans;
  const size_t index = over_.front();
  over_.pop_front();
  Region& region = regions_[index];
  ::munmap(reinterpret_cast<void*>(region.begin.load()), region.mapped);
  region.begin = 0;
  return index;
}

void* GuardedMemory::lend(const void* bytes, size_t length, const char* what) {
  const size_t room = std::max(rounded_up(length), page_bytes());
  const size_t mapped = room + page_bytes();
  void* const begin = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (begin == MAP_FAILED) return nullptr;
  char* const guard = static_cast<char*>(begin) + room;
  char* const data = guard - length;
  ::mprotect(guard, page_bytes(), PROT_NONE);
  if (length > 0) std::memcpy(data, bytes, length);
  const std::lock_guard lock(mutex_);
  const size_t index = free_region();
  if (index == kMaxLoans) return ::munmap(begin, mapped), nullptr;
  Region& region = regions_[index];
  region.data = reinterpret_cast<uintptr_t>(data);
  region.length = length;
  region.mapped = mapped;
  region.what = what;
  region.is_over = false;
  region.begin = reinterpret_cast<uintptr_t>(begin);
  running_[data] = index;
  return data;
}

void GuardedMemory::seal(const void* loan) {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(loan);
  if (found == running_.end()) return;
  const Region& region = regions_[found->second];
  ::mprotect(reinterpret_cast<void*>(region.begin.load()), region.mapped - page_bytes(), PROT_READ);
}

void GuardedMemory::end(const void* loan) {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(loan);
  if (found == running_.end()) return;
  Region& region = regions_[found->second];
  region.is_over = true;
  ::mprotect(reinterpret_cast<void*>(region.begin.load()), region.mapped, PROT_NONE);
  over_.push_back(found->second);
  running_.erase(found);
}

size_t GuardedMemory::running() const {
  const std::lock_guard lock(mutex_);
  return running_.size();
}

bool GuardedMemory::explain(const void* address, Loaned& out) const {
  const auto at = reinterpret_cast<uintptr_t>(address);
  for (size_t i = 0; i < kMaxLoans; ++i) {
    const Region& region = regions_[i];
    const uintptr_t begin = region.begin;
    if (begin == 0 || at < begin || at >= begin + region.mapped) continue;
    out.what = region.what;
    out.length = region.length;
    out.offset = static_cast<int64_t>(at - region.data);
    out.is_over = region.is_over;
    return true;
  }
  return false;
}

}  // namespace novacron::boundary
