"""Many upgrades of one plugin while many clients call it: every call is answered once, by one version or another."""

import argparse
import time

from harness import wait_until
from upgrades import TALLY, Clients, add, ask, begin, host, status, upgrade_of


def upgrade(daemon, spec, holds):
    before = upgrade_of(daemon).get("begun_at")
    daemon.patch(TALLY, {"spec": spec})

    def done():
        now = upgrade_of(daemon)
        return now.get("begun_at") != before and now.get("phase") in ("DONE", "ROLLED_BACK") and now
    result = wait_until(done, 60, f"the upgrade to {spec}")
    assert result["phase"] == "DONE" and result["carried_state"] and holds(status(daemon)), result
    return int(result["pause_ns"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--upgrades", type=int, default=1000)
    parser.add_argument("--inline", type=int, default=5, help="of them, in the host's own process")
    parser.add_argument("--clients", type=int, default=200)
    arguments = parser.parse_args()
    sandboxed = arguments.upgrades - arguments.inline
    pauses = []
    with host() as daemon:
        begin(daemon)
        add(daemon, 2)
        began = time.monotonic()
        with Clients(daemon, arguments.clients) as clients:
            for i in range(sandboxed):
                version = "2.0.0" if i % 2 == 0 else "1.0.0"
                pauses.append(upgrade(daemon, {"version": version}, lambda s, v=version: s["version"] == v))
                assert not clients.wrong, clients.wrong[:5]
            version = status(daemon)["version"]
            for i in range(arguments.inline):
                version = "1.0.0" if version == "2.0.0" else "2.0.0"
                pauses.append(upgrade(daemon, {"version": version, "placement": "INLINE"},
                                      lambda s, v=version: s["version"] == v and s["placement"] == "INLINE"))
            clients.end()
            clients.check()
            assert ask(daemon, "/count")[0] == len(clients.numbers)
        pauses.sort()
        print(f"{len(pauses)} upgrades under {arguments.clients} clients in {time.monotonic() - began:.0f} s: "
              f"{len(clients.numbers)} calls, 0 lost, 0 twice; calls waited {pauses[len(pauses) // 2] / 1e6:.1f} ms in the median, "
              f"{pauses[-1] / 1e6:.1f} ms at most")


if __name__ == "__main__":
    main()
    print("ok")
