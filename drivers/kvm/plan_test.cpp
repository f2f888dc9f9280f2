#include "plan.h"

#include <catch2/catch.hpp>

using namespace novacron;
using namespace novacron::kvm;
namespace api = novacron::compute::v1;

namespace {

const std::string kUid = "11111111-2222-4333-8444-555555555555";
const std::string kDigest = "sha256:" + std::string(64, 'a');

api::Guest guest() {
  api::Guest guest;
  guest.uid = kUid;
  guest.tenant = "default";
  guest.name = "web1";
  guest.spec.emplace();
  return guest;
}

void check_refused(const api::Guest& guest, const std::string& why) {
  CAPTURE(why);
  const auto plan = plan_guest(guest, 1);
  REQUIRE_FALSE(plan.ok());
  CHECK(plan.code() == Code::kInvalidArgument);
  CHECK(plan.error().reason == "compute.invalid-guest");
  CHECK(plan.error().message.find(why) != std::string::npos);
}

api::Disk disk(const std::string& name) {
  api::Disk disk;
  disk.name = name;
  disk.size_bytes = 1 << 20;
  return disk;
}

}  // namespace

TEST_CASE("a guest without a spec gets the contract's defaults") {
  api::Guest bare = guest();
  bare.spec.reset();
  const auto plan = plan_guest(bare, 3);
  REQUIRE(plan.ok());
  CHECK(plan->domain.cpus == 1);
  CHECK(plan->domain.memory_bytes == 512u << 20);
  CHECK(plan->domain.fence == 3);
  CHECK(plan->images().empty());
}

TEST_CASE("names that could be paths are refused") {
  api::Guest hostile = guest();
  hostile.uid = "../../../../etc/passwd";
  check_refused(hostile, "is no uid");
  for (const char* name : {"../root", "a/b", "", "Root", "cidata"}) {
    hostile = guest();
    hostile.spec->disks = {disk(name)};
    check_refused(hostile, "cannot name a disk");
  }
  hostile = guest();
  hostile.spec->disks = {disk("a"), disk("a")};
  check_refused(hostile, "two disks");
}

TEST_CASE("images are named by digests alone") {
  for (const std::string& image : {std::string("/etc/passwd"), std::string("nbd://x/y"), std::string("json:{}"),
                                   "sha256:" + std::string(64, '/')}) {
    api::Guest hostile = guest();
    hostile.spec->disks = {disk("root")};
    hostile.spec->disks[0].image = image;
    check_refused(hostile, "is no digest");
    hostile = guest();
    hostile.spec->boot.emplace();
    hostile.spec->boot->kernel = image;
    check_refused(hostile, "is no digest");
  }
}

TEST_CASE("a bridge's name cannot be an option") {
  for (const char* bridge : {"", "br 0", "br0,script=/x", "-x", "../br0", "a-name-that-is-too-long"}) {
    api::Guest hostile = guest();
    api::NetworkCard card;
    card.name = "eth0";
    card.mode = api::NetworkCard::Mode::kBridge;
    card.bridge = bridge;
    hostile.spec->networks = {card};
    check_refused(hostile, "is no bridge");
  }
}

TEST_CASE("a card without an address gets one from the uid") {
  api::Guest with_card = guest();
  api::NetworkCard card;
  card.name = "eth0";
  with_card.spec->networks = {card};
  const auto plan = plan_guest(with_card, 1);
  REQUIRE(plan.ok());
  CHECK(plan->domain.cards[0].mac.substr(0, 9) == "52:54:00:");
  CHECK(plan->domain.cards[0].mode == DomainCard::Mode::kUser);
  with_card.spec->networks[0].mac = "53:54:00:00:00:01";
  check_refused(with_card, "no unicast MAC");
}

TEST_CASE("the uid is put into the command line") {
  api::Guest booted = guest();
  booted.spec->boot.emplace();
  booted.spec->boot->kernel = kDigest;
  booted.spec->boot->command_line = "console=ttyS0 uid=${uid}";
  const auto plan = plan_guest(booted, 1);
  REQUIRE(plan.ok());
  CHECK(plan->domain.command_line == "console=ttyS0 uid=" + kUid);
  CHECK(plan->images() == std::set<std::string>{kDigest});
  booted.spec->boot->kernel.clear();
  check_refused(booted, "need a kernel");
}

TEST_CASE("sizes beyond the limits are refused") {
  api::Guest hostile = guest();
  hostile.spec->cpus = 0;
  check_refused(hostile, "cpus");
  hostile = guest();
  hostile.spec->cpus = 1025;
  check_refused(hostile, "cpus");
  hostile = guest();
  hostile.spec->memory_bytes = 1;
  check_refused(hostile, "memory");
  hostile = guest();
  for (int i = 0; i < 65; ++i) hostile.spec->disks.push_back(disk("d" + std::to_string(i)));
  check_refused(hostile, "64 disks");
  hostile = guest();
  hostile.spec->user_data = std::string(65'537, 'x');
  check_refused(hostile, "user data");
}
