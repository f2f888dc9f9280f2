#include "domain_xml.h"

#include <pugixml.hpp>

#include <sstream>

#include "text.h"

namespace novacron::kvm {
namespace {

constexpr const char* kNamespace = "https://novacron.dev/xmlns/guest/1";
// libvirt keeps an alias that a user gives only with this prefix; it carries the spec's name of a device through to
// statistics.
constexpr std::string_view kDiskAlias = "ua-disk-", kCardAlias = "ua-card-";
constexpr size_t kSerialMaxLength = 20;  // of a virtio disk

using pugi::xml_node;

xml_node add(xml_node parent, const char* element) {
  return parent.append_child(element);
}
void set(xml_node node, const char* attribute, const std::string& value) {
  node.append_attribute(attribute) = value.c_str();
}
void add_text(xml_node parent, const char* element, const std::string& text) {
  add(parent, element).text() = text.c_str();
}

const char* format_name(DiskFormat format) {
  return format == DiskFormat::kQcow2 ? "qcow2" : "raw";
}

std::string alias_of(std::string_view prefix, const std::string& name) {
  return std::string(prefix) + name;
}

void add_metadata(xml_node domain, const DomainPlan& plan) {
  const xml_node guest = add(add(domain, "metadata"), "nc:guest");
  set(guest, "xmlns:nc", kNamespace);
  set(guest, "tenant", plan.tenant);
  set(guest, "name", plan.name);
  set(guest, "fence", std::to_string(plan.fence));
}

void add_machine(xml_node domain, const DomainPlan& plan) {
  const xml_node memory = add(domain, "memory");
  set(memory, "unit", "KiB");
  memory.text() = static_cast<unsigned long long>(plan.memory_bytes / 1024);
  add(domain, "vcpu").text() = plan.cpus;
  const xml_node os = add(domain, "os");
  const xml_node type = add(os, "type");
  set(type, "arch", "x86_64");
  set(type, "machine", "q35");
  type.text() = "hvm";
  if (!plan.kernel_path.empty()) {
    add_text(os, "kernel", plan.kernel_path);
    if (!plan.initrd_path.empty()) add_text(os, "initrd", plan.initrd_path);
    if (!plan.command_line.empty()) add_text(os, "cmdline", plan.command_line);
  }
  const xml_node features = add(domain, "features");
  add(features, "acpi");
  add(features, "apic");
  set(add(domain, "cpu"), "mode", plan.accelerator == "kvm" ? "host-model" : "maximum");
  set(add(domain, "clock"), "offset", "utc");
  add_text(domain, "on_poweroff", "destroy");
  add_text(domain, "on_reboot", "restart");
  add_text(domain, "on_crash", "destroy");
}

/// vda … vdz, vdaa …
std::string disk_target(size_t index) {
  std::string letters;
  for (size_t left = index + 1; left > 0; left = (left - 1) / 26)
    letters.insert(0, 1, static_cast<char>('a' + (left - 1) % 26));
  return "vd" + letters;
}

void add_format_and_source(xml_node node, const DiskFile& file) {
  set(add(node, "format"), "type", format_name(file.format));
  set(add(node, "source"), "file", file.path);
}

void add_disk(xml_node devices, const DomainDisk& disk, size_t index, bool bootable) {
  const xml_node node = add(devices, "disk");
  set(node, "type", "file");
  set(node, "device", "disk");
  const xml_node driver = add(node, "driver");
  set(driver, "name", "qemu");
  set(driver, "type", format_name(disk.file.format));
  set(driver, "discard", "unmap");
  set(add(node, "source"), "file", disk.file.path);
  // The chain is written out to its end, so that nobody looks into the files to find how it goes on.
  const xml_node backing = add(node, "backingStore");
  if (disk.backing) {
    set(backing, "type", "file");
    add_format_and_source(backing, *disk.backing);
    add(backing, "backingStore");
  }
  const xml_node target = add(node, "target");
  set(target, "dev", disk_target(index));
  set(target, "bus", "virtio");
  if (disk.read_only) add(node, "readonly");
  if (disk.name.size() <= kSerialMaxLength) add_text(node, "serial", disk.name);
  set(add(node, "alias"), "name", alias_of(kDiskAlias, disk.name));
  if (bootable) set(add(node, "boot"), "order", std::to_string(index + 1));
}

void add_card(xml_node devices, const DomainCard& card) {
  const xml_node node = add(devices, "interface");
  const bool bridged = card.mode == DomainCard::Mode::kBridge;
  set(node, "type", bridged ? "bridge" : "user");
  set(add(node, "mac"), "address", card.mac);
  if (bridged) set(add(node, "source"), "bridge", card.bridge);
  set(add(node, "model"), "type", "virtio");
  if (card.mode == DomainCard::Mode::kNone) set(add(node, "link"), "state", "down");
  set(add(node, "rom"), "enabled", "no");  // no network boot
  set(add(node, "alias"), "name", alias_of(kCardAlias, card.name));
}

void add_console(xml_node devices, const DomainPlan& plan) {
  const xml_node serial = add(devices, "serial");
  set(serial, "type", "pty");
  const xml_node log = add(serial, "log");
  set(log, "file", plan.console_log_path);
  set(log, "append", "on");  // so that the driver can free the log's beginning while QEMU writes its end
  const xml_node target = add(serial, "target");
  set(target, "type", "isa-serial");
  set(target, "port", "0");
}

void add_devices(xml_node domain, const DomainPlan& plan) {
  const xml_node devices = add(domain, "devices");
  add_text(devices, "emulator", plan.emulator);
  for (size_t i = 0; i < plan.disks.size(); ++i) add_disk(devices, plan.disks[i], i, plan.kernel_path.empty());
  for (const DomainCard& card : plan.cards) add_card(devices, card);
  add_console(devices, plan);
  const xml_node usb = add(devices, "controller");
  set(usb, "type", "usb");
  set(usb, "model", "none");
  const xml_node rng = add(devices, "rng");
  set(rng, "model", "virtio");
  const xml_node source = add(rng, "backend");
  set(source, "model", "random");
  source.text() = "/dev/urandom";
  set(add(devices, "memballoon"), "model", "virtio");
}

Status check_text(const DomainPlan& plan) {
  std::vector<const std::string*> texts = {&plan.uid,         &plan.tenant,       &plan.name,
                                           &plan.accelerator, &plan.emulator,     &plan.kernel_path,
                                           &plan.initrd_path, &plan.command_line, &plan.console_log_path};
  for (const DomainDisk& disk : plan.disks) {
    texts.insert(texts.end(), {&disk.name, &disk.file.path});
    if (disk.backing) texts.push_back(&disk.backing->path);
  }
  for (const DomainCard& card : plan.cards) texts.insert(texts.end(), {&card.name, &card.bridge, &card.mac});
  for (const std::string* text : texts) {
    if (is_plain_text(*text)) continue;
    return Error{.code = Code::kInvalidArgument,
                 .message = "a text of the machine is not UTF-8 or holds control characters",
                 .reason = "compute.invalid-text"};
  }
  return {};
}

std::string without_prefix(const std::string& alias, std::string_view prefix) {
  return alias.compare(0, prefix.size(), prefix) == 0 ? alias.substr(prefix.size()) : std::string();
}

void collect_devices(xml_node devices, const char* element, std::string_view prefix,
                     std::vector<DomainView::Device>& out) {
  for (const xml_node node : devices.children(element)) {
    std::string name = without_prefix(node.child("alias").attribute("name").value(), prefix);
    if (!name.empty()) out.push_back({node.child("target").attribute("dev").value(), std::move(name)});
  }
}

}  // namespace

std::string domain_name(std::string_view uid) {
  return "nc-" + std::string(uid);
}

Result<std::string> domain_xml(const DomainPlan& plan) {
  NC_TRY_STATUS(check_text(plan));
  pugi::xml_document document;
  const xml_node domain = add(document, "domain");
  set(domain, "type", plan.accelerator == "kvm" ? "kvm" : "qemu");
  add_text(domain, "name", domain_name(plan.uid));
  add_text(domain, "uuid", plan.uid);
  add_metadata(domain, plan);
  add_machine(domain, plan);
  add_devices(domain, plan);
  std::ostringstream out;
  document.save(out, " ", pugi::format_default | pugi::format_no_declaration);
  return out.str();
}

Result<DomainView> parse_domain_xml(const std::string& xml) {
  pugi::xml_document document;
  if (const auto parsed = document.load_string(xml.c_str()); !parsed) {
    return Error{.code = Code::kInternal, .message = std::string("libvirt's XML is not read: ") + parsed.description()};
  }
  const xml_node domain = document.child("domain");
  DomainView view;
  view.accelerator = std::string_view(domain.attribute("type").value()) == "kvm" ? "kvm" : "tcg";
  collect_devices(domain.child("devices"), "disk", kDiskAlias, view.disks);
  collect_devices(domain.child("devices"), "interface", kCardAlias, view.cards);
  return view;
}

}  // namespace novacron::kvm
