"""The driver of a real libvirt in a sandbox that has libvirt's socket, its own folder, and nothing else of the machine: a
guest starts, pauses, goes on, stops and goes; and it runs on when the driver's process is killed."""

import json
import os
import signal
import sys

from compute import PLUGINS, Site, machine
from harness import BUILD, wait_until
from sandbox_test import children

SANDBOX_USER = 65534


class SandboxedSite(Site):
    def enable_plugins(self):
        data, run = self.path / "kvm", self.path / "libvirt" / "run"
        data.mkdir()
        os.chown(data, SANDBOX_USER, SANDBOX_USER)
        for path in (self.path, run.parent, run):
            os.chmod(path, 0o755)
        os.chown(run / "libvirt-sock", SANDBOX_USER, SANDBOX_USER)
        self.daemon.stop()
        self.daemon.config.write_text(f'{self.daemon.config.read_text()}[sandbox]\nprogram = "{BUILD}/bin/novacron-sandbox"\nrestart_ms = 50\n')
        self.daemon.start()
        for name in PLUGINS:
            if name != "kvm":
                self.daemon.enable_plugin(name)
        manifest = json.loads((BUILD / "lib/novacron/plugins/kvm/plugin.json").read_text())
        granted = {**manifest["permissions"], "devices": [], "paths": [f"rw:{data}", f"rw:{run}/libvirt-sock"]}
        config = {"libvirt_uri": self.libvirtd.uri, "data_folder": str(data), "accelerator": "ACCELERATOR_TCG"}
        self.daemon.post("/v1/plugins", {"metadata": {"name": "kvm"}, "spec": {
            "enabled": True, "placement": "SANDBOXED", "granted": granted, "config_json": json.dumps(config)}})
        self.daemon.wait_plugin("kvm", "ENABLED", 30)


def main():
    with SandboxedSite() as site:
        daemon, libvirtd = site.daemon, site.libvirtd
        status = daemon.get("/v1/plugins/kvm")["status"]
        assert status["placement"] == "SANDBOXED" and "mount" in status["layers"] and "landlock" in status["layers"], status
        uid = daemon.post(site.machines, machine(site, "web1"))["metadata"]["uid"]
        site.wait_phase("web1", "RUNNING")
        assert libvirtd.running() == [uid]
        daemon.post(f"{site.machines}/web1:pause")
        site.wait_phase("web1", "PAUSED")
        (victim,) = children(daemon)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: children(daemon) not in ([], [victim]), 30, "another process")
        daemon.wait_plugin("kvm", "ENABLED", 30)
        assert libvirtd.domains() == [uid], "the guest is still there"
        daemon.post(f"{site.machines}/web1:resume")
        site.wait_phase("web1", "RUNNING")
        daemon.post(f"{site.machines}/web1:stop")
        site.wait_phase("web1", "STOPPED")
        assert libvirtd.running() == []
        daemon.delete(f"{site.machines}/web1")
        site.wait_gone("web1")
        assert libvirtd.domains() == []
    return 0


if __name__ == "__main__":
    sys.exit(main())
