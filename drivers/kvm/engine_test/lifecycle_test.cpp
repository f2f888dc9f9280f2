#include <catch2/catch.hpp>
#include <fstream>

#include "child.h"
#include "site.h"

using namespace novacron;
using namespace novacron::kvm;
using namespace novacron::kvm::testing;
namespace api = novacron::compute::v1;
using State = api::GuestStatus::State;

namespace {

const std::string kReadyLine = std::string("novacron-guest ready uid=") + kUid;
constexpr uint64_t kSecondNs = 1'000'000'000;

api::GuestRequest about_guest(uint64_t fence = 1) {
  api::GuestRequest request;
  request.uid = kUid;
  request.claim_fence = fence;
  return request;
}

api::StopRequest stop_request(uint64_t grace_ns, uint64_t fence = 1) {
  api::StopRequest request;
  request.uid = kUid;
  request.claim_fence = fence;
  request.grace_ns = grace_ns;
  return request;
}

bool never() {
  return false;
}

Viewer viewer(Site& site) {
  auto console = site.guests().console(kUid);
  REQUIRE(console.ok());
  return Viewer(*std::move(console));
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("a guest boots with its uid, is paused, resumed and shut down") {
  Site site;
  auto request = site.boot_request();
  api::NetworkCard card;
  card.name = "eth0";
  request.guest->spec->networks = {card};
  const auto started = site.guests().start(request);
  if (!started.ok()) FAIL(started.error().message);
  CHECK(started->state == State::kRunning);
  CHECK(started->accelerator == "tcg");
  CHECK(started->claim_fence == 1);
  CHECK(started->started_at);

  Viewer first = viewer(site);
  first.expect(kReadyLine);
  Viewer late = viewer(site);  // after the boot: it sees the past, once
  const std::string past = late.expect(kReadyLine);
  CHECK(count(past, "novacron-guest ready") == 1);
  first.type("echo typed-$((20 + 3))\n");
  first.expect("typed-23");
  late.expect("typed-23");

  CHECK(site.guests().start(request)->started_at == started->started_at);  // running already
  CHECK(site.guests().pause(about_guest())->state == State::kPaused);
  CHECK(site.guests().pause(about_guest())->state == State::kPaused);
  CHECK(site.guests().resume(about_guest())->state == State::kRunning);
  first.type("echo awake-$((20 + 4))\n");
  first.expect("awake-24");

  const auto stopped = site.guests().stop(stop_request(60 * kSecondNs), &never);
  REQUIRE(stopped.ok());
  CHECK(stopped->state == State::kStopped);
  CHECK(first.ends());
  CHECK(late.ends());
  CHECK(site.guests().console(kUid).error().reason == "compute.not-running");
  CHECK(site.guests().list()->size() == 1);
  CHECK(site.events() == std::vector<std::string>{"guest.started", "guest.paused", "guest.resumed", "guest.stopped"});
}

TEST_CASE("a guest is removed while it runs, and nothing of it is left") {
  Site site;
  REQUIRE(site.guests().start(site.boot_request()).ok());
  CHECK(site.guests().remove(about_guest())->state == State::kAbsent);
  CHECK(site.guests().remove(about_guest())->state == State::kAbsent);
  CHECK(site.guests().list()->empty());
  CHECK(site.virsh({"list", "--all", "--name"}) == "\n");
  CHECK_FALSE(site.folder().contains(std::string("guests/") + kUid));
  CHECK(site.folder().list("images")->empty());
  CHECK(site.events() == std::vector<std::string>{"guest.started", "guest.stopped", "guest.deleted"});
}

TEST_CASE("guests run on while libvirtd is killed, and are known again after it") {
  Site site;
  const auto started = site.guests().start(site.boot_request());
  REQUIRE(started.ok());
  Viewer console = viewer(site);
  console.expect(kReadyLine);
  console.type("while sleep 1; do echo beat; done\n");
  console.expect("beat\r\n");

  site.libvirtd("kill");
  site.wait_disconnected();
  const auto unreachable = site.guests().get(kUid);
  REQUIRE_FALSE(unreachable.ok());
  CHECK(unreachable.code() == Code::kUnavailable);
  CHECK(unreachable.error().retry_after_ns > 0);
  CHECK(site.guests().start(site.boot_request()).code() == Code::kUnavailable);
  CHECK(site.guests().list().code() == Code::kUnavailable);
  console.expect("beat\r\n");  // the guest runs, and its console is still shown
  console.expect("beat\r\n");

  site.libvirtd("up");
  site.wait_connected();
  const auto again = site.guests().get(kUid);
  REQUIRE(again.ok());
  CHECK(again->state == State::kRunning);
  CHECK(again->started_at == started->started_at);
  console.type("\x03");
  console.type("echo back-$((20 + 5))\n");
  console.expect("back-25");

  site.restart_driver();  // as the host does: the guest is found, not started anew
  CHECK(site.guests().list()->size() == 1);
  CHECK(site.guests().start(site.boot_request())->started_at == started->started_at);
  Viewer after = viewer(site);
  after.expect(kReadyLine);
  CHECK(site.events().empty());
}

TEST_CASE("a guest that ends by itself is seen, and told from one that crashed") {
  Site site;
  REQUIRE(site.guests().start(site.boot_request()).ok());
  Viewer console = viewer(site);
  console.expect(kReadyLine);
  console.type("poweroff -f\n");
  site.wait_state(State::kStopped);
  CHECK(console.ends());

  REQUIRE(site.guests().start(site.boot_request()).ok());
  CHECK(site.guests().get(kUid)->state == State::kRunning);
  // By the test's own folder: other tests may run a guest with this uid.
  const auto pids = run_child({"/usr/bin/pgrep", "-f", "^/usr/bin/qemu-system-x86_64 .*" + site.path()});
  REQUIRE(pids.ok());
  REQUIRE(run_child_to_success({"/bin/kill", "-KILL", pids->output.substr(0, pids->output.find('\n'))}).ok());
  site.wait_state(State::kCrashed);
  CHECK(site.guests().get(kUid)->reason == "compute.guest-crashed");
  CHECK(site.events().back() == "guest.crashed");
  CHECK(site.guests().remove(about_guest())->state == State::kAbsent);
}

TEST_CASE("an older claim can do nothing, also after the guest is gone") {
  Site site;
  REQUIRE(site.guests().start(site.boot_request(7)).ok());
  CHECK(site.guests().start(site.boot_request(6)).error().reason == "compute.stale-claim");
  CHECK(site.guests().stop(stop_request(0, 6), &never).code() == Code::kAborted);
  CHECK(site.guests().pause(about_guest(6)).code() == Code::kAborted);
  CHECK(site.guests().remove(about_guest(6)).code() == Code::kAborted);
  CHECK(site.guests().get(kUid)->state == State::kRunning);
  CHECK(site.guests().stop(stop_request(0, 8), &never)->state == State::kStopped);
  CHECK(site.guests().remove(about_guest(8))->claim_fence == 8);
  site.restart_driver();
  CHECK(site.guests().start(site.boot_request(7)).error().reason == "compute.stale-claim");
  CHECK(site.virsh({"list", "--all", "--name"}) == "\n");
}

TEST_CASE("a failed start says what QEMU said last, and the next may succeed") {
  Site site;
  auto request = site.boot_request();
  request.guest->spec->memory_bytes = uint64_t{1} << 46;  // no machine has it
  const auto failed = site.guests().start(request);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().reason == "compute.start-failed");
  CAPTURE(failed.error().message);
  CHECK(failed.error().message.find("qemu-system-x86_64") != std::string::npos);
  const auto status = site.guests().get(kUid);
  REQUIRE(status.ok());
  CHECK(status->state == State::kStopped);
  CHECK(status->message == failed.error().message);
  request.guest->spec->memory_bytes = 128u << 20;
  CHECK(site.guests().start(request)->state == State::kRunning);
  CHECK(site.guests().get(kUid)->message.empty());
}

TEST_CASE("a guest sees its disks, its seed and its statistics") {
  Site site;
  auto request = site.boot_request();
  const std::string raw = site.path() + "/raw";
  std::ofstream(raw) << "image-marker" << std::string((1 << 20) - 12, '.');
  api::Disk root, data;
  root.name = "root";
  root.image = site.image(raw);
  data.name = "data";
  data.size_bytes = 8 << 20;
  request.guest->spec->disks = {root, data};
  request.guest->spec->user_data = "#cloud-config\n";
  const auto started = site.guests().start(request);
  if (!started.ok()) FAIL(started.error().message);
  Viewer console = viewer(site);
  console.expect(kReadyLine);
  console.type(
      "head -c 12 /dev/vda; echo; cat /sys/block/vda/serial; echo; dd if=/dev/vdc bs=1 skip=32808 count=6 2>/dev/null; "
      "echo\n");
  console.expect("image-marker");
  console.expect("root");
  console.expect("cidata");
  console.type("dd if=/dev/zero of=/dev/vda bs=64k count=1 2>/dev/null; sync; echo written-$((20 + 6))\n");
  console.expect("written-26");

  const auto stats = site.guests().stats(kUid);
  REQUIRE(stats.ok());
  CHECK(stats->cpu_time_ns > 0);
  CHECK(stats->memory_bytes == 128u << 20);
  CHECK(stats->resident_bytes > 0);
  REQUIRE(stats->disks.size() == 3);
  CHECK(stats->disks[0].name == "root");
  CHECK(stats->disks[0].written_bytes >= 65'536);

  // What the guest wrote stays in its layer: the image is as it was.
  std::ifstream image(site.folder().path_of("images/" + root.image.substr(7)));
  std::string head(12, '\0');
  image.read(head.data(), 12);
  CHECK(head == "image-marker");
}

TEST_CASE("a guest that does not heed its power button is ended by force after its grace") {
  Site site;
  REQUIRE(site.guests().start(site.boot_request()).ok());
  // It still boots, and hears nothing.
  const auto stopped = site.guests().stop(stop_request(kSecondNs / 2), &never);
  REQUIRE(stopped.ok());
  CHECK(stopped->state == State::kStopped);
  CHECK(site.guests().stop(stop_request(kSecondNs), &never)->state == State::kStopped);
}

TEST_CASE("a domain of somebody else with the same UUID is not touched") {
  Site site;
  const std::string xml = site.path() + "/foreign.xml";
  std::ofstream(xml) << "<domain type='qemu'><name>foreign</name><uuid>" << kUid
                     << "</uuid><memory>16384</memory><os><type>hvm</type></os></domain>";
  site.virsh({"define", xml});
  CHECK(site.guests().start(site.boot_request()).error().reason == "compute.foreign-domain");
  CHECK(site.guests().remove(about_guest()).error().reason == "compute.foreign-domain");
  CHECK(site.virsh({"list", "--all", "--name"}) == "foreign\n\n");
}
