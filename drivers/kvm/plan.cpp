#include "plan.h"

#include "text.h"

namespace novacron::kvm {
namespace {

namespace api = compute::v1;

constexpr uint32_t kCpusMax = 1024;
constexpr uint64_t kMemoryMinBytes = 16ull << 20;
constexpr size_t kDisksMax = 64, kCardsMax = 32, kUserDataMaxBytes = 65'536, kCommandLineMaxBytes = 2048,
                 kTenantMaxBytes = 253;
constexpr size_t kBridgeMaxLength = 15;
constexpr uint64_t kDefaultMemoryBytes = 512ull << 20;

Error invalid(const std::string& message) {
  return Error{.code = Code::kInvalidArgument, .message = message, .reason = "compute.invalid-guest"};
}

bool is_bridge(const std::string& name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= kBridgeMaxLength && name.find_first_not_of(kAllowed) == std::string::npos &&
         name[0] != '.' && name[0] != '-';
}

Status check_sizes(const api::Guest& guest, const api::VirtualMachineSpec& spec) {
  if (!is_uid(guest.uid)) return invalid("\"" + guest.uid + "\" is no uid");
  if (!is_label(guest.name)) return invalid("\"" + guest.name + "\" cannot name a guest");
  if (guest.tenant.size() > kTenantMaxBytes) return invalid("the tenant's name is too long");
  if (spec.cpus.value_or(1) < 1 || spec.cpus.value_or(1) > kCpusMax) return invalid("cpus must be 1 to 1024");
  if (spec.memory_bytes.value_or(kDefaultMemoryBytes) < kMemoryMinBytes)
    return invalid("memory must be 16 MiB or more");
  if (spec.disks.size() > kDisksMax) return invalid("at most 64 disks");
  if (spec.networks.size() > kCardsMax) return invalid("at most 32 network cards");
  if (spec.user_data.size() > kUserDataMaxBytes) return invalid("user data must be 64 KiB or less");
  return {};
}

Result<DiskOrder> plan_disk(const api::Disk& disk) {
  if (!is_label(disk.name) || disk.name == "cidata") return invalid("\"" + disk.name + "\" cannot name a disk");
  if (!disk.image.empty() && !is_digest(disk.image))
    return invalid("disk " + disk.name + ": \"" + disk.image + "\" is no digest");
  DiskOrder order{.name = disk.name, .size_bytes = disk.size_bytes, .image = disk.image};
  order.image_format = disk.image_format == api::ImageFormat::kQcow2 ? DiskFormat::kQcow2 : DiskFormat::kRaw;
  order.read_only = disk.read_only;
  return order;
}

Result<DomainCard> plan_card(const std::string& uid, const api::NetworkCard& card) {
  if (!is_label(card.name)) return invalid("\"" + card.name + "\" cannot name a network card");
  DomainCard out{.name = card.name, .mode = DomainCard::Mode::kUser, .bridge = {}, .mac = card.mac};
  if (out.mac.empty()) out.mac = derived_mac(uid, card.name);
  if (!is_mac(out.mac))
    return invalid("network card " + card.name + ": \"" + card.mac + "\" is no unicast MAC address");
  if (card.mode == api::NetworkCard::Mode::kNone) out.mode = DomainCard::Mode::kNone;
  if (card.mode == api::NetworkCard::Mode::kBridge) {
    if (!is_bridge(card.bridge)) return invalid("network card " + card.name + ": \"" + card.bridge + "\" is no bridge");
    out.mode = DomainCard::Mode::kBridge;
    out.bridge = card.bridge;
  }
  return out;
}

Status plan_boot(const api::Boot& boot, const std::string& uid, GuestPlan& plan) {
  for (const std::string* digest : {&boot.kernel, &boot.initrd}) {
    if (!digest->empty() && !is_digest(*digest)) return invalid("\"" + *digest + "\" is no digest of a boot image");
  }
  if (boot.kernel.empty() && !(boot.initrd.empty() && boot.command_line.empty())) {
    return invalid("an initial RAM disk and a command line need a kernel");
  }
  if (boot.command_line.size() > kCommandLineMaxBytes) return invalid("the command line must be 2048 bytes or less");
  plan.kernel = boot.kernel;
  plan.initrd = boot.initrd;
  plan.domain.command_line = replace_all(boot.command_line, "${uid}", uid);
  return {};
}

template <class Items>
Status check_unique(const Items& items, const char* what) {
  std::set<std::string> names;
  for (const auto& item : items) {
    if (!names.insert(item.name).second) return invalid(std::string("two ") + what + " are named " + item.name);
  }
  return {};
}

}  // namespace

std::set<std::string> GuestPlan::images() const {
  std::set<std::string> digests = {kernel, initrd};
  for (const DiskOrder& disk : disks) digests.insert(disk.image);
  digests.erase("");
  return digests;
}

Result<GuestPlan> plan_guest(const api::Guest& guest, uint64_t fence) {
  const api::VirtualMachineSpec spec = guest.spec.value_or(api::VirtualMachineSpec());
  NC_TRY_STATUS(check_sizes(guest, spec));
  GuestPlan plan;
  plan.domain.uid = guest.uid;
  plan.domain.tenant = guest.tenant;
  plan.domain.name = guest.name;
  plan.domain.fence = fence;
  plan.domain.cpus = spec.cpus.value_or(1);
  plan.domain.memory_bytes = spec.memory_bytes.value_or(kDefaultMemoryBytes);
  for (const api::Disk& disk : spec.disks) plan.disks.push_back(NC_TRY(plan_disk(disk)));
  for (const api::NetworkCard& card : spec.networks) plan.domain.cards.push_back(NC_TRY(plan_card(guest.uid, card)));
  NC_TRY_STATUS(check_unique(plan.disks, "disks"));
  NC_TRY_STATUS(check_unique(plan.domain.cards, "network cards"));
  if (spec.boot) NC_TRY_STATUS(plan_boot(*spec.boot, guest.uid, plan));
  plan.user_data = spec.user_data;
  return plan;
}

}  // namespace novacron::kvm
