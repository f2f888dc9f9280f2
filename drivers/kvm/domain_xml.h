// A machine in libvirt's words. The document is built as a tree: what a user wrote is text in it, never markup.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "novacron/result.h"

namespace novacron::kvm {

enum class DiskFormat { kRaw, kQcow2 };

struct DiskFile {
  std::string path;
  DiskFormat format = DiskFormat::kQcow2;
};

struct DomainDisk {
  std::string name;  ///< a label
  DiskFile file;
  std::optional<DiskFile> backing;  ///< under `file`; it has none itself
  bool read_only = false;
};

struct DomainCard {
  enum class Mode { kUser, kBridge, kNone };
  std::string name;  ///< a label
  Mode mode = Mode::kUser;
  std::string bridge;
  std::string mac;
};

/// Everything that the definition says; paths are the driver's own.
struct DomainPlan {
  std::string uid, tenant, name;
  uint64_t fence = 0;
  std::string accelerator;  ///< "kvm" or "tcg"
  std::string emulator;
  uint32_t cpus = 1;
  uint64_t memory_bytes = 0;
  std::string kernel_path, initrd_path, command_line;  ///< empty kernel: firmware boots the disks in their order
  std::vector<DomainDisk> disks;
  std::vector<DomainCard> cards;
  std::string console_log_path;
};

/// INVALID_ARGUMENT "compute.invalid-text" when a text holds what XML cannot.
Result<std::string> domain_xml(const DomainPlan& plan);

/// "nc-<uid>".
std::string domain_name(std::string_view uid);

/// What the driver reads back from a definition.
struct DomainView {
  std::string accelerator;
  struct Device {
    std::string target;  ///< "vda", "vnet3": as libvirt's statistics name it
    std::string name;    ///< as the machine's spec names it
  };
  std::vector<Device> disks, cards;
};

Result<DomainView> parse_domain_xml(const std::string& xml);

}  // namespace novacron::kvm
