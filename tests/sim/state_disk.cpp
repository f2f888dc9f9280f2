#include "tests/sim/state_disk.h"

#include <algorithm>
#include <cerrno>

namespace novacron::host::state::sim {
namespace {

void write_over(std::string& content, uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  std::copy(bytes.begin(), bytes.end(), content.begin() + static_cast<ptrdiff_t>(offset));
}

}  // namespace

class OpenFile final : public File {
 public:
  OpenFile(Disk& disk, Disk::InodePtr inode) : disk_(disk), inode_(std::move(inode)) {}

  Status write_at(uint64_t offset, std::string_view bytes) override {
    std::lock_guard lock(disk_.mutex_);
    return disk_.write_inode(*inode_, offset, bytes);
  }
  Result<size_t> read_at(uint64_t offset, char* into, size_t size) override {
    std::lock_guard lock(disk_.mutex_);
    if (offset >= inode_->live.size()) return size_t{0};
    return inode_->live.copy(into, size, offset);
  }
  Status sync() override {
    std::lock_guard lock(disk_.mutex_);
    return disk_.sync_inode(*inode_);
  }
  Status allocate(uint64_t size) override {
    std::lock_guard lock(disk_.mutex_);
    return disk_.allocate_inode(*inode_, size);
  }
  Result<uint64_t> size() override {
    std::lock_guard lock(disk_.mutex_);
    return uint64_t{inode_->live.size()};
  }

 private:
  Disk& disk_;
  const Disk::InodePtr inode_;
};

class HeldLock final : public FileLock {
 public:
  HeldLock(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  ~HeldLock() override {
    std::lock_guard lock(disk_.mutex_);
    disk_.locks_[path_] = false;
  }

 private:
  Disk& disk_;
  const std::string path_;
};

Status Disk::begin_operation() {
  if (operations_ >= power_ends_) return Error{Code::kInternal, "the power is gone"};
  ++operations_;
  return {};
}

uint64_t Disk::used() const {
  uint64_t bytes = 0;
  for (const auto& [name, inode] : names_) bytes += std::max<uint64_t>(inode->allocated, inode->live.size());
  return bytes;
}

/// On a full disk, what fits is written before the error, as the kernel does it.
Status Disk::write_inode(Inode& inode, uint64_t offset, std::string_view bytes) {
  TRY_STATUS(begin_operation());
  const uint64_t has = std::max<uint64_t>(inode.allocated, inode.live.size());
  const uint64_t total = used();
  const uint64_t may_have = has + (capacity_ > total ? capacity_ - total : 0);
  const uint64_t fits = may_have > offset ? std::min<uint64_t>(bytes.size(), may_have - offset) : 0;
  write_over(inode.live, offset, bytes.substr(0, fits));
  inode.unsynced.push_back({offset, std::string(bytes.substr(0, fits))});
  return fits == bytes.size() ? Status() : Status(errno_error("write", ENOSPC));
}

Status Disk::allocate_inode(Inode& inode, uint64_t size) {
  TRY_STATUS(begin_operation());
  const uint64_t has = std::max<uint64_t>(inode.allocated, inode.live.size());
  if (size > has && used() + (size - has) > capacity_) return errno_error("allocate", ENOSPC);
  inode.allocated = std::max(inode.allocated, size);
  if (inode.live.size() < size) inode.live.resize(size);
  return {};
}

Status Disk::sync_inode(Inode& inode) {
  TRY_STATUS(begin_operation());
  if (std::exchange(sync_fails_, false)) {
    inode.unsynced.clear();
    return errno_error("sync", EIO);
  }
  for (const Write& write : inode.unsynced) write_over(inode.durable, write.offset, write.bytes);
  if (inode.durable.size() < inode.live.size()) inode.durable.resize(inode.live.size());
  inode.unsynced.clear();
  return {};
}

void Disk::change_names(Names changed) {
  if (unsynced_names_.empty()) unsynced_names_.push_back(names_);
  names_ = std::move(changed);
  unsynced_names_.push_back(names_);
}

Result<std::unique_ptr<File>> Disk::open(const std::string& path, Open how) {
  std::lock_guard lock(mutex_);
  if (how == Open::kCreate) {
    TRY_STATUS(begin_operation());
    Names names = names_;
    names[path] = std::make_shared<Inode>();
    change_names(std::move(names));
  }
  const auto found = names_.find(path);
  if (found == names_.end()) return errno_error("open " + path, ENOENT);
  return std::unique_ptr<File>(std::make_unique<OpenFile>(*this, found->second));
}

Status Disk::rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  TRY_STATUS(begin_operation());
  Names names = names_;
  const auto found = names.find(from);
  if (found == names.end()) return errno_error("rename " + from, ENOENT);
  names[to] = found->second;
  names.erase(from);
  change_names(std::move(names));
  return {};
}

Status Disk::remove(const std::string& path) {
  std::lock_guard lock(mutex_);
  TRY_STATUS(begin_operation());
  Names names = names_;
  if (names.erase(path) == 0) return errno_error("remove " + path, ENOENT);
  change_names(std::move(names));
  return {};
}

Status Disk::sync_folder(const std::string&) {
  std::lock_guard lock(mutex_);
  TRY_STATUS(begin_operation());
  unsynced_names_.clear();
  return {};
}

Status Disk::create_folder(const std::string&) {
  return {};
}

Result<std::vector<std::string>> Disk::list(const std::string& folder) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  const std::string prefix = folder + "/";
  for (const auto& [path, inode] : names_)
    if (path.starts_with(prefix)) names.push_back(path.substr(prefix.size()));
  return names;
}

Result<std::unique_ptr<FileLock>> Disk::lock(const std::string& path) {
  std::lock_guard lock(mutex_);
  bool& held = locks_[path];
  if (held) return Error{Code::kUnavailable, path + " is held", "state.locked"};
  held = true;
  return std::unique_ptr<FileLock>(std::make_unique<HeldLock>(*this, path));
}

void Disk::cut_power_after(uint64_t operations) {
  std::lock_guard lock(mutex_);
  power_ends_ = operations_ + operations;
}

bool Disk::has_power() const {
  std::lock_guard lock(mutex_);
  return operations_ < power_ends_;
}

uint64_t Disk::operations() const {
  std::lock_guard lock(mutex_);
  return operations_;
}

void Disk::crash(std::mt19937_64& random) {
  std::lock_guard lock(mutex_);
  if (!unsynced_names_.empty()) names_ = unsynced_names_[random() % unsynced_names_.size()];
  unsynced_names_.clear();
  power_ends_ = UINT64_MAX;
  sync_fails_ = false;
  for (auto& [name, inode] : names_) {
    auto survivor = std::make_shared<Inode>();
    survivor->durable = inode->durable;
    const uint64_t kept_share = random() % 5;  // of 4: from nothing to all
    for (const Write& write : inode->unsynced) {
      for (uint64_t at = write.offset; at < write.offset + write.bytes.size();) {
        const uint64_t next =
            std::min<uint64_t>((at / kSectorBytes + 1) * kSectorBytes, write.offset + write.bytes.size());
        const auto part = std::string_view(write.bytes).substr(at - write.offset, next - at);
        if (random() % 4 < kept_share) write_over(survivor->durable, at, part);
        at = next;
      }
    }
    if (survivor->durable.size() < inode->allocated) survivor->durable.resize(inode->allocated);
    survivor->live = survivor->durable;
    survivor->allocated = inode->allocated;
    inode = std::move(survivor);
  }
}

void Disk::set_capacity(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

void Disk::fail_next_sync() {
  std::lock_guard lock(mutex_);
  sync_fails_ = true;
}

std::string Disk::read(const std::string& path) const {
  std::lock_guard lock(mutex_);
  return names_.at(path)->live;
}

void Disk::write(const std::string& path, std::string bytes) {
  std::lock_guard lock(mutex_);
  auto inode = std::make_shared<Inode>();
  inode->live = inode->durable = std::move(bytes);
  names_[path] = std::move(inode);
}

std::vector<std::string> Disk::paths() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, inode] : names_) paths.push_back(path);
  return paths;
}

}  // namespace novacron::host::state::sim
