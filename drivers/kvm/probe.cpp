#include "probe.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "child.h"
#include "text.h"

namespace novacron::kvm {
namespace {

constexpr size_t kFirmwareBytes = 64 * 1024;
constexpr size_t kResetVector = kFirmwareBytes - 16;
constexpr uint64_t kProbeTimeoutMs = 10'000;
// isa-debug-exit makes the value v of its port the emulator's exit status 2v + 1.
constexpr unsigned char kSaid = 0x2a;
constexpr int kExpectedStatus = 2 * kSaid + 1;

/// mov al, 0x2a; mov dx, 0xf4; out dx, al; hlt; jmp to the hlt
std::string firmware() {
  static constexpr unsigned char kProgram[] = {0xb0, kSaid, 0xba, 0xf4, 0x00, 0xee, 0xf4, 0xeb, 0xfd};
  std::string bytes(kFirmwareBytes, '\xf4');
  bytes.replace(kResetVector, sizeof kProgram, reinterpret_cast<const char*>(kProgram), sizeof kProgram);
  return bytes;
}

Acceleration tcg(const std::string& why) {
  return {"tcg", why};
}

}  // namespace

bool has_virtualization(std::string_view cpuinfo) {
  std::istringstream lines{std::string(cpuinfo)};
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, 5, "flags") != 0) continue;
    line += ' ';
    return line.find(" vmx ") != std::string::npos || line.find(" svm ") != std::string::npos;
  }
  return false;
}

Acceleration probe_acceleration(const Folder& folder, const std::string& emulator) {
  if (::access("/dev/kvm", R_OK | W_OK) != 0) return tcg("/dev/kvm cannot be opened");
  std::ostringstream cpuinfo;
  cpuinfo << std::ifstream("/proc/cpuinfo").rdbuf();
  if (!has_virtualization(cpuinfo.str())) return tcg("/dev/kvm is there, but the processor offers no virtualization");
  if (const auto written = folder.replace_file("probe.rom", firmware()); !written.ok())
    return tcg(written.error().message);
  const auto run = run_child(
      {emulator, "-accel", "kvm", "-cpu", "host", "-machine", "pc", "-m", "16", "-nodefaults", "-display", "none",
       "-no-reboot", "-bios", folder.path_of("probe.rom"), "-device", "isa-debug-exit,iobase=0xf4,iosize=0x01"},
      {.timeout_ms = kProbeTimeoutMs, .cpu_s = 10, .memory_bytes = 8ull << 30});
  if (!run.ok()) return tcg("a processor under KVM does not run: " + run.error().message);
  if (run->exit_status != kExpectedStatus)
    return tcg("a processor under KVM does not run: " + last_lines(run->output, 2, 300));
  return {"kvm", "a processor ran under KVM"};
}

}  // namespace novacron::kvm
