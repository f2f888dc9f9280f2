#include "domain_xml.h"

#include <catch2/catch.hpp>
#include <pugixml.hpp>

using namespace novacron;
using namespace novacron::kvm;

namespace {

const std::string kUid = "11111111-2222-4333-8444-555555555555";

DomainPlan plan() {
  DomainPlan plan;
  plan.uid = kUid;
  plan.tenant = "default";
  plan.name = "web1";
  plan.fence = 7;
  plan.accelerator = "tcg";
  plan.emulator = "/usr/bin/qemu-system-x86_64";
  plan.cpus = 2;
  plan.memory_bytes = 128u << 20;
  plan.console_log_path = "/data/guests/console.log";
  return plan;
}

pugi::xml_document parsed(const DomainPlan& plan) {
  const auto xml = domain_xml(plan);
  REQUIRE(xml.ok());
  pugi::xml_document document;
  REQUIRE(document.load_string(xml->c_str()));
  return document;
}

std::string at(const pugi::xml_document& document, const char* xpath) {
  return pugi::xpath_query(xpath).evaluate_string(document);
}

}  // namespace

TEST_CASE("the domain has the machine's uid, and is named after it") {
  const auto document = parsed(plan());
  CHECK(at(document, "/domain/uuid") == kUid);
  CHECK(at(document, "/domain/name") == "nc-" + kUid);
  CHECK(at(document, "/domain/@type") == "qemu");
  CHECK(at(document, "/domain/memory") == "131072");
  CHECK(at(document, "/domain/vcpu") == "2");
  CHECK(at(document, "/domain/metadata/*/@tenant") == "default");
  CHECK(at(document, "/domain/metadata/*/@name") == "web1");
  CHECK(at(document, "/domain/metadata/*/@fence") == "7");
}

TEST_CASE("what a user wrote is text, never markup") {
  DomainPlan hostile = plan();
  const std::string text =
      "\"/><devices><disk type='file'><source file='/etc/shadow'/></disk></devices><!-- ]]> & ${x} &#0; -->";
  hostile.kernel_path = "/k";
  hostile.command_line = text;
  hostile.name = text;
  hostile.tenant = text;
  const auto document = parsed(hostile);
  CHECK(at(document, "/domain/os/cmdline") == text);
  CHECK(at(document, "/domain/metadata/*/@name") == text);
  CHECK(at(document, "/domain/metadata/*/@tenant") == text);
  CHECK(document.select_nodes("//disk").empty());
  CHECK(document.select_nodes("//devices").size() == 1);
  CHECK(document.select_nodes("//comment()").empty());
}

TEST_CASE("text that XML cannot hold is refused") {
  for (const std::string& text :
       {std::string("a\0b", 3), std::string("\x1b[2J"), std::string("\xff\xfe"), std::string("a\nb")}) {
    DomainPlan hostile = plan();
    hostile.kernel_path = "/k";
    hostile.command_line = text;
    const auto xml = domain_xml(hostile);
    REQUIRE_FALSE(xml.ok());
    CHECK(xml.error().reason == "compute.invalid-text");
  }
}

TEST_CASE("a disk's chain is written out with formats to its end") {
  DomainPlan with_disks = plan();
  with_disks.disks = {
      {.name = "root",
       .file = {"/data/guests/root.qcow2", DiskFormat::kQcow2},
       .backing = DiskFile{"/data/images/aa", DiskFormat::kRaw},
       .read_only = false},
      {.name = "cidata", .file = {"/data/seed.iso", DiskFormat::kRaw}, .backing = std::nullopt, .read_only = true}};
  const auto document = parsed(with_disks);
  CHECK(at(document, "//disk[1]/driver/@type") == "qcow2");
  CHECK(at(document, "//disk[1]/backingStore/format/@type") == "raw");
  CHECK(at(document, "//disk[1]/backingStore/source/@file") == "/data/images/aa");
  CHECK(document.select_nodes("//disk[1]/backingStore/backingStore[not(*)]").size() == 1);
  CHECK(document.select_nodes("//disk[2]/backingStore[not(*)]").size() == 1);
  CHECK(at(document, "//disk[1]/target/@dev") == "vda");
  CHECK(at(document, "//disk[2]/target/@dev") == "vdb");
  CHECK(document.select_nodes("//disk[1]/readonly").empty());
  CHECK(document.select_nodes("//disk[2]/readonly").size() == 1);
  CHECK(at(document, "//disk[1]/boot/@order") == "1");
}

TEST_CASE("with a kernel no disk is booted") {
  DomainPlan direct = plan();
  direct.kernel_path = "/k";
  direct.initrd_path = "/i";
  direct.disks = {{.name = "root", .file = {"/d", DiskFormat::kQcow2}, .backing = std::nullopt, .read_only = false}};
  const auto document = parsed(direct);
  CHECK(at(document, "/domain/os/initrd") == "/i");
  CHECK(document.select_nodes("//boot").empty());
}

TEST_CASE("the 27th disk is vdaa") {
  DomainPlan many = plan();
  for (int i = 0; i < 28; ++i) {
    many.disks.push_back({.name = "d" + std::to_string(i),
                          .file = {"/d", DiskFormat::kQcow2},
                          .backing = std::nullopt,
                          .read_only = false});
  }
  const auto document = parsed(many);
  CHECK(at(document, "//disk[26]/target/@dev") == "vdz");
  CHECK(at(document, "//disk[27]/target/@dev") == "vdaa");
  CHECK(at(document, "//disk[28]/target/@dev") == "vdab");
}

TEST_CASE("network cards are user mode, a bridge, or without a link") {
  using Mode = DomainCard::Mode;
  DomainPlan with_cards = plan();
  with_cards.cards = {{"eth0", Mode::kUser, "", "52:54:00:00:00:01"},
                      {"eth1", Mode::kBridge, "br0", "52:54:00:00:00:02"},
                      {"eth2", Mode::kNone, "", "52:54:00:00:00:03"}};
  const auto document = parsed(with_cards);
  CHECK(at(document, "//interface[1]/@type") == "user");
  CHECK(at(document, "//interface[2]/@type") == "bridge");
  CHECK(at(document, "//interface[2]/source/@bridge") == "br0");
  CHECK(at(document, "//interface[3]/link/@state") == "down");
  CHECK(at(document, "//interface[2]/mac/@address") == "52:54:00:00:00:02");
}

TEST_CASE("names of devices come back from a definition") {
  DomainPlan full = plan();
  full.accelerator = "kvm";
  full.disks = {{.name = "root", .file = {"/d", DiskFormat::kQcow2}, .backing = std::nullopt, .read_only = false}};
  full.cards = {{"eth0", DomainCard::Mode::kUser, "", "52:54:00:00:00:01"}};
  const auto xml = domain_xml(full);
  REQUIRE(xml.ok());
  const auto view = parse_domain_xml(*xml);
  REQUIRE(view.ok());
  CHECK(view->accelerator == "kvm");
  REQUIRE(view->disks.size() == 1);
  CHECK(view->disks[0].target == "vda");
  CHECK(view->disks[0].name == "root");
  REQUIRE(view->cards.size() == 1);
  CHECK(view->cards[0].name == "eth0");
  CHECK_FALSE(parse_domain_xml("<domain").ok());
}
