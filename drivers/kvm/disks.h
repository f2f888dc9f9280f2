// The files of the machines: images by digest, disks as copy-on-write layers over them, seeds for cloud-init.
//
//   images/<64 hex digits>          a blob's bytes, never written again; shared by all machines
//   guests/<uid>/<disk>.qcow2       a disk
//   guests/<uid>/seed.iso           user data
//   guests/<uid>/console.log        what the guest printed
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "domain_xml.h"
#include "folder.h"
#include "novacron/fd.h"
#include "novacron/result.h"

namespace novacron::kvm {

struct Image {
  Fd file;  ///< open for reading
  uint64_t size_bytes = 0;
};

/// Where images come from: the host's blobs, or a test's files.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  /// [any] thread, blocks. `digest` is well formed.
  virtual Result<Image> open(const std::string& digest) = 0;
};

struct DiskOrder {
  std::string name;                    ///< a label
  std::optional<uint64_t> size_bytes;  ///< absent: the image's
  std::string image;                   ///< a digest; empty: none
  DiskFormat image_format = DiskFormat::kRaw;
  bool read_only = false;
};

/// [any] thread. Different machines go beside each other; the caller has one call a machine at a time.
class Disks {
 public:
  Disks(const Folder& folder, ImageSource& images) : folder_(folder), images_(images) {}

  /// Makes the folders.
  Status prepare();
  Status make_guest(const std::string& uid);
  /// The blob's bytes as a file that does not change; its path. Copied from the source when it is not here yet.
  Result<std::string> image(const std::string& digest);
  /// The disk, made or grown when needed. A disk never shrinks and never changes its image.
  Result<DomainDisk> disk(const std::string& uid, const DiskOrder& order);
  /// A read-only disk with the label "cidata", from which cloud-init reads `user_data`.
  Result<DomainDisk> seed(const std::string& uid, const std::string& name, const std::string& user_data);
  /// The console log's path, emptied for a new boot.
  Result<std::string> new_console_log(const std::string& uid);
  /// All files of the machine.
  Status remove_guest(const std::string& uid);
  /// Removes the images that are not in what `used` returns. It is asked while no image can arrive: who notes an image
  /// as used before asking for it keeps it.
  Status remove_images_except(const std::function<std::set<std::string>()>& used);

  static std::string console_log_name(const std::string& uid);

 private:
  Status fetch(const std::string& digest, const std::string& name);
  Result<uint64_t> check_image(const DiskOrder& order);
  Status make_layer(const std::string& name, const DiskOrder& order, uint64_t size_bytes);
  Status grow(const std::string& name, const DiskOrder& order);

  const Folder& folder_;
  ImageSource& images_;
  std::mutex fetching_;  // one image at a time: two machines that start together do not copy it twice
};

}  // namespace novacron::kvm
