"""A site for compute tests: a private libvirtd, a daemon with the compute plugins enabled, and the test guest's blobs."""

import contextlib

from engines import Libvirtd, guest_image
from harness import TENANT, ApiError, Daemon, folder, wait_until

PLUGINS = ("scheduling-basic", "kvm", "compute-controller")


def ready_line(uid):
    return f"novacron-guest ready uid={uid}"


def machine(site, name, **spec):
    """The JSON of a machine that boots the test guest."""
    return {
        "metadata": {"name": name},
        "spec": {"cpus": 1, "memory_bytes": "128MiB", "stop_grace_ns": "1s",
                 "boot": {"kernel": site.kernel, "initrd": site.initrd, "command_line": "console=ttyS0 quiet"}, **spec},
    }


class Site:
    machines = f"{TENANT}/virtualmachines"

    def __init__(self):
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with self.stack as stack:
            image = guest_image()
            self.path = stack.enter_context(folder())
            self.libvirtd = stack.enter_context(Libvirtd(self.path))
            self.daemon = stack.enter_context(Daemon(self.path))
            self.kernel = self.daemon.upload(image / "vmlinuz")
            self.initrd = self.daemon.upload(image / "initrd.zst")
            self.enable_plugins()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exc):
        return self.stack.__exit__(*exc)

    def enable_plugins(self):
        configs = {"kvm": {"libvirt_uri": self.libvirtd.uri, "data_folder": str(self.path / "kvm")}}
        for name in PLUGINS:
            self.daemon.enable_plugin(name, configs.get(name))

    def phase(self, name):
        return self.daemon.get(f"{self.machines}/{name}").get("status", {})

    def wait_phase(self, name, phase, timeout_s=30):
        """Waits until the machine has the phase for its newest generation; its status."""
        seen = {}

        def reached():
            nonlocal seen
            seen = self.daemon.get(f"{self.machines}/{name}")
            status = seen.get("status", {})
            return status.get("phase") == phase and status.get("observed_generation") == seen["metadata"]["generation"]

        try:
            wait_until(reached, timeout_s, f"{name} is {phase}")
        except AssertionError as error:
            raise AssertionError(f"{error}; {seen}") from None
        return seen["status"]

    def wait_gone(self, name, timeout_s=30):
        def gone():
            try:
                self.daemon.get(f"{self.machines}/{name}")
                return False
            except ApiError as error:
                return error.status == 404

        wait_until(gone, timeout_s, f"{name} is gone")
