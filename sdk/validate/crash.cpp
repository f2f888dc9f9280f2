// What a crash of a plugin says: the signal, and which buffer was touched.
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sdk/validate/child.h"

namespace novacron::validate {
namespace {

constexpr size_t kSignalStackBytes = 64 * 1'024;
constexpr uintptr_t kNearStackBytes = 64 * 1'024;
constexpr size_t kMaxText = 512;

// A signal handler takes no argument of ours: both are written once, before the handlers are there.
int g_report_fd = -1;
const boundary::GuardedMemory* g_memory = nullptr;

uintptr_t stack_pointer(const void* context) {
#if defined(__x86_64__)
  return static_cast<uintptr_t>(static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RSP]);
#elif defined(__aarch64__)
  return static_cast<const ucontext_t*>(context)->uc_mcontext.sp;
#else
#error "say where this machine keeps its stack pointer"
#endif
}

// snprintf with integers and strings alone takes no lock and no memory in glibc.
void describe(int number, const siginfo_t* info, const void* context, char* out) {
  boundary::Loaned loan;
  const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
  const bool is_access = number == SIGSEGV || number == SIGBUS;
  if (is_access && g_memory->explain(info->si_addr, loan)) {
    const bool is_beyond = loan.offset < 0 || static_cast<size_t>(loan.offset) >= loan.length;
    const char* const how = loan.is_over ? "was touched after it was over"
                            : is_beyond  ? "was touched beyond its end"
                                         : "was written to";
    std::snprintf(out, kMaxText, "loan\t%s of %zu bytes %s, at byte %lld\n", loan.what, loan.length, how,
                  static_cast<long long>(loan.offset));
    return;
  }
  const uintptr_t stack = stack_pointer(context);
  const bool is_stack = is_access && at + kNearStackBytes > stack && at < stack + kNearStackBytes;
  if (is_stack) {
    std::snprintf(out, kMaxText, "stack\tthe stack of a thread overflowed\n");
  } else if (number == SIGABRT) {
    std::snprintf(out, kMaxText, "abort\tit ended the process by abort()\n");
  } else {
    std::snprintf(out, kMaxText, "signal\tit died of %s at address 0x%zx\n", sigabbrev_np(number), at);
  }
}

void on_crash(int number, siginfo_t* info, void* context) {
  char text[kMaxText];
  describe(number, info, context, text);
  (void)!::write(g_report_fd, text, std::strlen(text));
  ::_exit(128 + number);
}

}  // namespace

void prepare_thread_for_crashes() {
  stack_t stack{};
  stack.ss_sp = ::mmap(nullptr, kSignalStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack.ss_size = kSignalStackBytes;
  if (stack.ss_sp != MAP_FAILED) (void)::sigaltstack(&stack, nullptr);
}

void report_crashes_to(int report_fd, const boundary::GuardedMemory& memory) {
  g_report_fd = report_fd;
  g_memory = &memory;
  prepare_thread_for_crashes();
  struct sigaction action {};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) (void)::sigaction(number, &action, nullptr);
}

}  // namespace novacron::validate
