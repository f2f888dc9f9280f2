"""A real guest through REST: create, see it boot, pause, resume, stop, start, delete; and a libvirtd that goes away underneath."""

import sys

from compute import Site, machine, ready_line
from harness import ApiError


def lifecycle(site):
    daemon, libvirtd = site.daemon, site.libvirtd
    created = daemon.post(site.machines, machine(site, "web1"))
    uid = created["metadata"]["uid"]
    site.wait_phase("web1", "RUNNING")
    assert libvirtd.running() == [uid], "exactly one guest, named by the uid"
    seen = daemon.cli("vm", "console", "web1", "--until", ready_line(uid), "--timeout", "60s", timeout_s=90).stdout
    assert ready_line(uid) in seen, seen

    status = daemon.get(f"{site.machines}/web1")["status"]
    assert status["accelerator"] in ("tcg", "kvm"), status
    assert status["node"], status
    stats = daemon.post(f"{site.machines}/web1:stats")
    assert stats["cpu_time_ns"] > 0 and stats["resident_bytes"] > 0, stats

    for verb, phase, domain_state in (("pause", "PAUSED", "paused"), ("resume", "RUNNING", "running"), ("stop", "STOPPED", "shut off"),
                                      ("start", "RUNNING", "running")):
        daemon.post(f"{site.machines}/web1:{verb}")
        site.wait_phase("web1", phase)
        assert libvirtd.virsh("domstate", uid).strip() == domain_state

    daemon.delete(f"{site.machines}/web1")
    site.wait_gone("web1")
    assert libvirtd.domains() == [], "the definition is gone too"


def refusals(site):
    bad = machine(site, "bad")
    bad["spec"]["disks"] = [{"name": "root", "sise_bytes": "1GiB"}]
    try:
        site.daemon.post(site.machines, bad)
        raise AssertionError("an unknown field was taken")
    except ApiError as error:
        assert error.status == 400, error
        assert error.problem["fields"][0]["path"] == "spec.disks[0].sise_bytes", error.problem
    huge = machine(site, "huge")
    huge["spec"]["memory_bytes"] = "60TiB"
    site.daemon.post(site.machines, huge)
    status = site.wait_phase("huge", "PENDING")
    assert status["reason"] == "compute.no-capacity" and "memory" not in status.get("accelerator", ""), status
    assert "needs 60 TiB" in status["message"], status
    site.daemon.delete(f"{site.machines}/huge")
    site.wait_gone("huge")


def engine_restart(site):
    daemon, libvirtd = site.daemon, site.libvirtd
    uid = daemon.post(site.machines, machine(site, "steady"))["metadata"]["uid"]
    site.wait_phase("steady", "RUNNING")
    libvirtd.kill()
    libvirtd.up()
    assert libvirtd.running() == [uid], "the guest outlived libvirtd"
    daemon.post(f"{site.machines}/steady:pause")
    site.wait_phase("steady", "PAUSED")
    daemon.post(f"{site.machines}/steady:resume")
    site.wait_phase("steady", "RUNNING")


def host_restart(site):
    daemon, libvirtd = site.daemon, site.libvirtd
    before = libvirtd.running()
    daemon.kill()
    assert libvirtd.running() == before, "the guest outlived the host"
    daemon.start()
    site.wait_phase("steady", "RUNNING")
    daemon.post(f"{site.machines}/steady:stop")
    site.wait_phase("steady", "STOPPED")
    daemon.delete(f"{site.machines}/steady")
    site.wait_gone("steady")
    assert libvirtd.domains() == []


def main():
    with Site() as site:
        lifecycle(site)
        refusals(site)
        engine_restart(site)
        host_restart(site)
    return 0


if __name__ == "__main__":
    sys.exit(main())
