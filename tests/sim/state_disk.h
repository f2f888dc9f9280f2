// A disk in memory that does what disks do when the power goes: it forgets what was not synced, in any pieces.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "host/state/file.h"

namespace novacron::host::state::sim {

constexpr size_t kSectorBytes = 512;

/// [any] thread. A process sees `live`; the disk itself has what was synced, and after a crash some of the rest.
class Disk final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status sync_folder(const std::string& folder) override;
  Status create_folder(const std::string& folder) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

  /// After `operations` more that change something, the power is gone: nothing has an effect any more, all fails.
  void cut_power_after(uint64_t operations);
  bool has_power() const;
  uint64_t operations() const;
  /// The power comes back. Of each file, every sector written since its last sync is there or not; of the names, those
  /// changed since the folder's last sync up to a point. Open files of before are of no use.
  void crash(std::mt19937_64& random);

  /// Files may take so many bytes in all.
  void set_capacity(uint64_t bytes);
  /// The next sync fails, as a broken disk's would, and what it should have synced is lost.
  void fail_next_sync();

  /// What a process sees: for looking at bytes, and for damaging them.
  std::string read(const std::string& path) const;
  void write(const std::string& path, std::string bytes);  ///< durable
  std::vector<std::string> paths() const;

 private:
  friend class OpenFile;
  friend class HeldLock;
  struct Write {
    uint64_t offset;
    std::string bytes;
  };
  struct Inode {
    std::string live;
    std::string durable;
    std::vector<Write> unsynced;
    uint64_t allocated = 0;
  };
  using InodePtr = std::shared_ptr<Inode>;
  using Names = std::map<std::string, InodePtr>;

  Status begin_operation();
  Status write_inode(Inode& inode, uint64_t offset, std::string_view bytes);
  Status sync_inode(Inode& inode);
  Status allocate_inode(Inode& inode, uint64_t size);
  void change_names(Names changed);
  uint64_t used() const;

  mutable std::mutex mutex_;
  Names names_;
  std::vector<Names> unsynced_names_;  ///< each state of the names since the last sync of the folder, the first durable
  std::map<std::string, bool> locks_;
  uint64_t capacity_ = UINT64_MAX;
  uint64_t operations_ = 0;
  uint64_t power_ends_ = UINT64_MAX;
  bool sync_fails_ = false;
};

}  // namespace novacron::host::state::sim
