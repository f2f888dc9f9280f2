// novacron-sandbox: runs one plugin, for the host at the other end of descriptor 3.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "host/sandbox/child/host_table.h"
#include "host/sandbox/child/isolate.h"
#include "host/sandbox/child/link.h"
#include "host/sandbox/child/runner.h"

namespace {

using namespace novacron::host;
using namespace novacron::host::sandbox;

constexpr int kSocket = 3;

void on_abort(int) {
  ::_exit(kExitAborted);  // a signal that the first process of a namespace sends itself does not end it
}

/// The answer to the first frame: {code, text, layers}.
/// `path`: where the library is.
Out isolation(EnterOp op, In& in, std::string& path) {
  Out out;
  const Isolation wanted = get_isolation(in.reader);
  if (op != EnterOp::kIsolate || !in.reader.sound() || in.fds.size() != 1) {
    out.writer.number(nc_code{NC_INTERNAL});
    out.writer.text("the host is of another version");
    out.writer.number(Layers{0});
    return out;
  }
  auto isolated = isolate(wanted, in.fds[0].get());
  out.writer.number(isolated.ok() ? nc_code{NC_OK} : static_cast<nc_code>(isolated.code()));
  out.writer.text(isolated.ok() ? isolated->why_not : isolated.error().message);
  out.writer.number(isolated.ok() ? isolated->layers : Layers{0});
  if (!isolated.ok()) return out;
  if (isolated->listener) out.fds.push_back(std::move(isolated->listener));
  path = isolated->folder.empty() ? "/proc/self/fd/" + std::to_string(in.fds[0].release())
                                  : isolated->folder + '/' + wanted.library;
  return out;
}

}  // namespace

int main() {
  ::signal(SIGABRT, on_abort);
  ::signal(SIGPIPE, SIG_IGN);
  if (::fcntl(kSocket, F_SETFD, FD_CLOEXEC) != 0) {
    std::fputs("novacron-sandbox is started by novacrond, for a plugin that asks for a sandbox\n", stderr);
    return 2;
  }
  auto channel = Channel::create(Fd(kSocket));
  if (!channel.ok()) return 1;
  Link link(std::move(*channel));
  std::string path;
  const Status first = link.serve_first([&](EnterOp op, In& in) { return isolation(op, in, path); });
  if (!first.ok()) return 1;
  HostTable host(link);
  Runner runner(host, path);
  link.serve([&](EnterOp op, In& in) { return runner.enter(op, in); }, [&](nc_call call) { host.cancelled(call); });
}
