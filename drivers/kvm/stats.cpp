#include "stats.h"

#include <libvirt/libvirt.h>

#include <map>
#include <string>

#include "domain.h"
#include "domain_xml.h"

namespace novacron::kvm {
namespace {

namespace api = compute::v1;

constexpr unsigned kGroups =
    VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_BALLOON | VIR_DOMAIN_STATS_BLOCK | VIR_DOMAIN_STATS_INTERFACE;

/// libvirt's flat list of typed parameters: "block.0.rd.bytes".
class Parameters {
 public:
  explicit Parameters(const virDomainStatsRecord& record) {
    for (int i = 0; i < record.nparams; ++i) {
      const virTypedParameter& parameter = record.params[i];
      if (parameter.type == VIR_TYPED_PARAM_ULLONG) numbers_[parameter.field] = parameter.value.ul;
      if (parameter.type == VIR_TYPED_PARAM_UINT) numbers_[parameter.field] = parameter.value.ui;
      if (parameter.type == VIR_TYPED_PARAM_STRING) texts_[parameter.field] = parameter.value.s;
    }
  }
  uint64_t number(const std::string& field) const {
    const auto found = numbers_.find(field);
    return found == numbers_.end() ? 0 : found->second;
  }
  std::string text(const std::string& field) const {
    const auto found = texts_.find(field);
    return found == texts_.end() ? "" : found->second;
  }

 private:
  std::map<std::string, uint64_t> numbers_;
  std::map<std::string, std::string> texts_;
};

/// The spec's name of the device; empty for one that is not in the spec.
std::string name_of(const std::vector<DomainView::Device>& devices, const std::string& target) {
  for (const DomainView::Device& device : devices) {
    if (device.target == target) return device.name;
  }
  return "";
}

void read_disks(const Parameters& all, const DomainView& view, api::GuestStats& stats) {
  for (uint64_t i = 0; i < all.number("block.count"); ++i) {
    const std::string block = "block." + std::to_string(i) + ".";
    const std::string name = name_of(view.disks, all.text(block + "name"));
    if (name.empty()) continue;
    api::DiskStats disk;
    disk.name = name;
    disk.read_bytes = all.number(block + "rd.bytes");
    disk.written_bytes = all.number(block + "wr.bytes");
    disk.reads = all.number(block + "rd.reqs");
    disk.writes = all.number(block + "wr.reqs");
    disk.allocated_bytes = all.number(block + "physical");
    stats.disks.push_back(std::move(disk));
  }
}

void read_cards(const Parameters& all, const DomainView& view, api::GuestStats& stats) {
  for (uint64_t i = 0; i < all.number("net.count"); ++i) {
    const std::string net = "net." + std::to_string(i) + ".";
    const std::string name = name_of(view.cards, all.text(net + "name"));
    if (name.empty()) continue;
    api::NetworkStats card;
    card.name = name;
    card.received_bytes = all.number(net + "rx.bytes");
    card.sent_bytes = all.number(net + "tx.bytes");
    card.received_packets = all.number(net + "rx.pkts");
    card.sent_packets = all.number(net + "tx.pkts");
    stats.networks.push_back(std::move(card));
  }
}

struct RecordsFree {
  void operator()(virDomainStatsRecordPtr* records) const { virDomainStatsRecordListFree(records); }
};

}  // namespace

Result<api::GuestStats> read_stats(virDomainPtr domain) {
  virDomainPtr domains[] = {domain, nullptr};
  virDomainStatsRecordPtr* raw = nullptr;
  const int count = virDomainListGetStats(domains, kGroups, &raw, 0);
  const std::unique_ptr<virDomainStatsRecordPtr, RecordsFree> records(raw);
  if (count < 1) return libvirt_error("read statistics");
  const Text xml(virDomainGetXMLDesc(domain, 0));
  if (!xml) return libvirt_error("read the definition");
  const DomainView view = NC_TRY(parse_domain_xml(xml.get()));
  const Parameters all(**records);
  api::GuestStats stats;
  stats.cpu_time_ns = all.number("cpu.time");
  stats.memory_bytes = all.number("balloon.current") * 1024;
  stats.resident_bytes = all.number("balloon.rss") * 1024;
  read_disks(all, view, stats);
  read_cards(all, view, stats);
  return stats;
}

}  // namespace novacron::kvm
