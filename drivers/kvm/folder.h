// A folder of the driver's own. Every name is resolved beneath it, and no symbolic link on the way is followed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "novacron/fd.h"
#include "novacron/result.h"

namespace novacron::kvm {

/// [any] thread. Names are relative paths ("guests/<uid>/root.qcow2"); one that leads outside is refused by the kernel.
class Folder {
 public:
  /// Makes the folder if it is missing. `path` is absolute and comes from the configuration, never from a request.
  static Result<Folder> open(const std::string& path);

  Result<Fd> open_file(const std::string& name, int flags, uint32_t mode = 0600) const;
  /// The folder itself, for what takes a descriptor of one.
  Result<Fd> open_folder(const std::string& name) const;
  Status make_folder(const std::string& name, uint32_t mode = 0711) const;
  /// The whole file; RESOURCE_EXHAUSTED when it is longer than `max_bytes`.
  Result<std::string> read_file(const std::string& name, size_t max_bytes) const;
  /// Replaces the file as one step that a power failure cannot tear.
  Status replace_file(const std::string& name, std::string_view bytes) const;
  Status rename(const std::string& from, const std::string& to) const;
  /// A file that is not there is no error.
  Status remove_file(const std::string& name) const;
  /// The folder and the plain files in it; a folder that is not there is no error.
  Status remove_folder(const std::string& name) const;
  bool contains(const std::string& name) const;
  /// Names of the entries, sorted.
  Result<std::vector<std::string>> list(const std::string& name) const;

  const std::string& path() const { return path_; }
  /// Where other programs find it: libvirt and QEMU are given paths.
  std::string path_of(const std::string& name) const { return path_ + "/" + name; }

 private:
  Folder(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  Fd fd_;
};

}  // namespace novacron::kvm
