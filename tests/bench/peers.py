"""Peers from Debian's packages, unpacked into a folder of ours: nothing is installed, no service starts.

Each is a context manager that runs it in a private folder and on free ports, and ends it.
"""

import os
import pathlib
import socket
import subprocess
import time

from measure import ROOT, CannotRun

CACHE = ROOT / "build" / "peers"
PATIENCE_S = 30

PACKAGES = {
    "etcd": ["etcd-server"],
    "nats": ["nats-server"],
    "lxd": ["lxd", "libdqlite0", "libraft2", "libuv1", "liblxc1", "liblxc-common", "rsync", "attr", "squashfs-tools", "uidmap"],
}


def unpacked(peer):
    """The folder in which the peer's packages lie unpacked; fetched once."""
    root = CACHE / peer
    if (root / "complete").exists():
        return root
    root.mkdir(parents=True, exist_ok=True)
    fetched = subprocess.run(["apt-get", "download", "-qq", *PACKAGES[peer]], cwd=root, capture_output=True, text=True, timeout=240)
    if fetched.returncode != 0:
        raise CannotRun(f"apt-get download {' '.join(PACKAGES[peer])}: {fetched.stderr.strip()[-500:]}")
    for package in root.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, root], check=True, timeout=60)
        package.unlink()
    (root / "complete").touch()
    return root


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Peer:
    """A process of a peer. Subclasses say how it is started and when it answers."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.process = None

    def command(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def __enter__(self):
        log = self.path / (type(self).__name__.lower() + ".log")
        with open(log, "wb") as out:
            self.process = subprocess.Popen([str(word) for word in self.command()], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                            env=dict(os.environ, **self.environment()))
        deadline = time.monotonic() + PATIENCE_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise CannotRun(f"{type(self).__name__} does not start: {log.read_text(errors='replace')[-1000:]}")
            time.sleep(0.1)
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Etcd(Peer):
    """One member; its gRPC and its gateway share the port."""

    def command(self):
        self.port, peer_port = free_port(), free_port()
        return [unpacked("etcd") / "usr/bin/etcd", "--data-dir", self.path / "etcd", "--listen-client-urls",
                f"http://127.0.0.1:{self.port}", "--advertise-client-urls", f"http://127.0.0.1:{self.port}", "--listen-peer-urls",
                f"http://127.0.0.1:{peer_port}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer_port}",
                "--initial-cluster", f"default=http://127.0.0.1:{peer_port}", "--log-level", "error"]

    def answers(self):
        return listens(self.port)

    @property
    def address(self):
        return f"tcp:127.0.0.1:{self.port}"


class Nats(Peer):
    """With room for subscribers that fall behind: cut off, they would not be counted."""

    def command(self):
        self.port = free_port()
        settings = self.path / "nats.conf"
        settings.write_text(f"host: 127.0.0.1\nport: {self.port}\nmax_pending: 1GB\nwrite_deadline: 60s\n")
        return [unpacked("nats") / "usr/sbin/nats-server", "-c", settings]

    def answers(self):
        return listens(self.port)


class Lxd(Peer):
    """Without a network, and with a /run of its own."""

    def command(self):
        (self.path / "lxd").mkdir()
        root = unpacked("lxd")
        return ["unshare", "--net", "--mount", "--kill-child", "sh", "-c",
                f'mount -t tmpfs none /run; ip link set lo up; exec "{root}/usr/bin/lxd" --group root']

    def environment(self):
        root = unpacked("lxd")
        paths = [f"{root}/usr/{folder}" for folder in ("bin", "sbin")]
        return {"LXD_DIR": str(self.path / "lxd"), "PATH": ":".join([os.environ["PATH"], *paths]),
                "LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu"}

    @property
    def socket(self):
        return str(self.path / "lxd" / "unix.socket")

    @property
    def address(self):
        return f"unix:{self.socket}"

    def answers(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.socket) == 0
