"""Real engines for integration tests: a libvirtd in namespaces of its own, and a tiny guest."""

import os
import pathlib
import subprocess

from harness import ROOT

SCRIPTS = ROOT / "scripts"
GUEST_CACHE = pathlib.Path(os.environ.get("NOVACRON_GUEST_CACHE", ROOT / "build" / "guest"))


class Libvirtd:
    """A private libvirtd under `path`. kill() ends it alone, its guests run on; up() starts it again."""

    def __init__(self, path):
        self.path = pathlib.Path(path) / "libvirt"

    def _run(self, verb):
        done = subprocess.run([SCRIPTS / "private-libvirtd", verb, str(self.path)], capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise AssertionError(f"private-libvirtd {verb}: {done.stderr}")
        return done.stdout.strip()

    def __enter__(self):
        self._run("start")
        self.uri = self._run("uri")
        return self

    def __exit__(self, *exc):
        self._run("stop")

    def kill(self):
        self._run("kill")

    def up(self):
        self._run("up")

    def virsh(self, *arguments):
        return subprocess.run(["virsh", "-c", self.uri, *arguments], capture_output=True, text=True, timeout=30,
                              check=True, stdin=subprocess.DEVNULL).stdout

    def domains(self, *flags):
        """UUIDs of the domains; `flags` as of `virsh list`."""
        return self.virsh("list", "--uuid", *(flags or ("--all",))).split()

    def running(self):
        return self.domains("--state-running")


def guest_image():
    """The folder with the test guest's vmlinuz and initrd.zst, made once."""
    subprocess.run([SCRIPTS / "guest-image", str(GUEST_CACHE)], check=True, timeout=300, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    return GUEST_CACHE
