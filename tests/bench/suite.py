"""The measurements, by name."""

import base64
import functools
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import time
import uuid

from measure import BUILD, ROOT, CannotRun, Figure, alternate, build, column, json_lines
from peers import Etcd, Lxd, Nats

sys.path.insert(0, str(ROOT / "tests" / "integration"))
os.environ.setdefault("NOVACRON_BUILD", str(BUILD))
from harness import Daemon, UnixConnection, folder, wait_until  # noqa: E402

BIN = BUILD / "bin"
SECONDS = 2  # of one repeat of a load
OBJECTS = 1000
PAYLOAD = "x" * 256


def program(name):
    """A measuring program, wherever the build has put it."""
    found = next((path for path in (BIN / name, *BUILD.glob(f"**/{name}")) if path.is_file()), None)
    if found is None:
        raise CannotRun(f"{name} was not built: scripts/setup bench, then try again")
    return found


def call():
    """A call through the broker: by pointer, FAST, queued; gRPC over a Unix socket beside it."""
    build("call_bench", "grpc_bench")
    ours, grpc = program("call_bench"), program("grpc_bench")
    rows = alternate(ours=lambda: json_lines([ours])[0], grpc=lambda: json_lines([grpc, "5000"])[0])
    microseconds = lambda key: [value / 1000 for value in column(rows["ours"], key)]
    return [
        Figure("FAST call through the broker", "us", microseconds("fast_ns"), column(rows["grpc"], "p50_us"), "gRPC, Unix socket",
               ("ours", "<=", 1.0)),
        Figure("queued call", "us", microseconds("queued_ns"), microseconds("hand_off_ns"), "bare hand-off", ("ratio", "<=", 1.2)),
        Figure("a plugin's invoke(), 100 B copied", "ns", column(rows["ours"], "invoke_ns"), column(rows["ours"], "pointer_ns"),
               "call by pointer", ("ratio", "<=", 3)),
        Figure("invoke() that calls finish(), likewise", "ns", column(rows["ours"], "invoke_finish_ns"),
               column(rows["ours"], "pointer_ns"), "call by pointer"),
    ]


def sandbox():
    """A call into a sandbox: beside the same call inline, a bare echo over a seqpacket socket, and gRPC; 64 at once, and 1 MiB."""
    build("sandbox_bench", "grpc_bench")
    ours, grpc = program("sandbox_bench"), program("grpc_bench")
    rows = alternate(ours=lambda: json_lines([ours])[0], small=lambda: json_lines([grpc, "4000"])[0],
                     large=lambda: json_lines([grpc, "200", 1 << 20])[0])
    mine = functools.partial(column, rows["ours"])
    return [
        Figure("call into a sandbox", "us", mine("sandboxed_us"), mine("echo_us"), "bare echo, seqpacket", ("ratio", "<=", 1.3)),
        Figure("call into a sandbox", "us", mine("sandboxed_us"), column(rows["small"], "p50_us"), "gRPC, Unix socket",
               ("ratio", "<=", 0.5)),
        Figure("call into a sandbox", "us", mine("sandboxed_us"), mine("inline_us"), "inline"),
        Figure("calls into a sandbox, 64 at once", "1/s", mine("sandboxed_per_s"), column(rows["small"], "per_s"), "gRPC, Unix socket",
               ("ratio", ">=", 2)),
        Figure("calls into a sandbox, 64 at once", "1/s", mine("sandboxed_per_s"), mine("echo_per_s"), "bare echo, 64 sockets"),
        Figure("calls into a sandbox, 64 at once", "1/s", mine("sandboxed_per_s"), mine("inline_per_s"), "inline"),
        Figure("call with 1 MiB and back", "us", mine("sandboxed_large_us"), column(rows["large"], "p50_us"), "gRPC, Unix socket",
               ("ratio", "<=", 0.5)),
        Figure("call with 1 MiB and back", "us", mine("sandboxed_large_us"), mine("inline_large_us"), "inline"),
    ]


def state():
    """Durable puts of 256 bytes, 1, 64 and 512 in flight, against one etcd."""
    build("state_bench", "etcd_bench")
    ours, theirs = program("state_bench"), program("etcd_bench")
    figures = []
    with folder() as path, Etcd(path) as etcd:
        for width in (1, 64, 512):
            rows = alternate(ours=lambda: json_lines([ours, path / "state", SECONDS, width])[0],
                             etcd=lambda: json_lines([theirs, f"127.0.0.1:{etcd.port}", SECONDS, width])[0])
            failed = sum(row["failed"] for side in rows.values() for row in side)
            if failed:
                raise CannotRun(f"{failed} puts failed")
            figures.append(Figure(f"puts, {width} in flight", "1/s", column(rows["ours"], "per_s"), column(rows["etcd"], "per_s"),
                                  "etcd 3.4", ("ratio", ">=", 3)))
            figures.append(Figure(f"p99 of a put, {width} in flight", "us", column(rows["ours"], "p99_us"),
                                  column(rows["etcd"], "p99_us"), "etcd 3.4", ("ratio", "<=", 1)))
    return figures


def followed(subscribers, count):
    """Events published in the host's process and read as lines of JSON from its Unix socket."""
    return json_lines(["env", f"FEED_BENCH_SUBSCRIBERS={subscribers}", f"FEED_BENCH_EVENTS={count}", program("feed_bench")])[0]


def events():
    """Events of 100 bytes, to one subscriber and to ten: in process and over sockets, and nats-server over sockets beside them."""
    build("bus_bench", "feed_bench", "nats_bench")
    ours, theirs = program("bus_bench"), program("nats_bench")
    figures = []
    with folder() as path, Nats(path) as nats:
        for subscribers, count in ((1, 2_000_000), (10, 400_000)):
            rows = alternate(ours=lambda: json_lines([ours, "2", subscribers])[0],
                             sockets=lambda: followed(subscribers, count // 5),
                             nats=lambda: json_lines([theirs, nats.port, subscribers, count])[0])
            figures.append(Figure(f"events 1:{subscribers} in process, delivered", "M/s", column(rows["ours"], "delivered"),
                                  column(rows["nats"], "delivered"), "nats-server 2.9, sockets",
                                  ("ours", ">=", 5) if subscribers == 1 else None))
            figures.append(Figure(f"events 1:{subscribers} over sockets, delivered", "M/s", column(rows["sockets"], "delivered"),
                                  column(rows["nats"], "delivered"), "nats-server 2.9, sockets", ("ratio", ">=", 2)))
            figures.append(Figure(f"events 1:{subscribers} in process, lost by the slow", "share", column(rows["ours"], "missed")))
    return figures


def request(address, connections, method, path, body=None):
    return json_lines([program("http_bench"), "requests", address, connections, SECONDS, method, path, *([body] if body else [])])[0]


def b64(text):
    return base64.b64encode(text.encode()).decode()


def fill_ours(daemon):
    connection = UnixConnection(daemon.socket, 30)
    for i in range(OBJECTS):
        body = json.dumps({"metadata": {"name": f"o{i}"}, "spec": {"description": PAYLOAD}})
        connection.request("POST", "/v1/tenants", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status


def fill_lxd(lxd):
    connection = UnixConnection(lxd.socket, 60)
    for i in range(OBJECTS):
        connection.request("POST", "/1.0/profiles", json.dumps({"name": f"o{i}", "description": PAYLOAD}))
        answer = connection.getresponse()
        raw = answer.read()
        if answer.status != 201:
            raise CannotRun(f"lxd refuses a profile: {raw[:300]}")


def fill_etcd(etcd):
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", etcd.port, timeout=30)
    for i in range(OBJECTS):
        connection.request("POST", "/v3/kv/put", json.dumps({"key": b64(f"o/{i}"), "value": b64(PAYLOAD)}))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status


def fan_out(address, watch, writes):
    """Opens 1,000 watchers; the milliseconds until all of them have a write."""
    lines = "".join("\t".join(write) + "\n" for write in writes)
    return json_lines([program("http_bench"), "fanout", address, OBJECTS, *watch], stdin=lines)[0]


def our_writes(run):
    return [(f"mark-{run}-{i}-", "POST", "/v1/tenants",
             json.dumps({"metadata": {"name": f"w{run}-{i}"}, "spec": {"description": f"mark-{run}-{i}-"}})) for i in range(5)]


def etcd_writes(run):
    marks = [b64(f"mark-{run}-{i}-") for i in range(5)]
    return [(mark, "POST", "/v3/kv/put", json.dumps({"key": b64("w"), "value": mark})) for mark in marks]


def rest():
    """REST get, list of 1,000 and watch fan-out to 1,000 watchers, against etcd's gateway and LXD."""
    build("novacrond", "http_bench")
    with folder() as path, Daemon(path) as daemon, Etcd(path) as etcd, Lxd(path) as lxd:
        fill_ours(daemon)
        fill_etcd(etcd)
        fill_lxd(lxd)
        ours = f"unix:{daemon.socket}"
        one = json.dumps({"key": b64("o/7")})
        all_of_them = json.dumps({"key": b64("o/"), "range_end": b64("o0")})
        get = alternate(ours=lambda: request(ours, 1, "GET", "/v1/tenants/o7"),
                        etcd=lambda: request(etcd.address, 1, "POST", "/v3/kv/range", one),
                        lxd=lambda: request(lxd.address, 1, "GET", "/1.0/profiles/o7"))
        many = alternate(ours=lambda: request(ours, 8, "GET", "/v1/tenants/o7"),
                         etcd=lambda: request(etcd.address, 8, "POST", "/v3/kv/range", one),
                         lxd=lambda: request(lxd.address, 8, "GET", "/1.0/profiles/o7"))
        lists = alternate(ours=lambda: request(ours, 1, "GET", "/v1/tenants?limit=1000"),
                          etcd=lambda: request(etcd.address, 1, "POST", "/v3/kv/range", all_of_them),
                          lxd=lambda: request(lxd.address, 1, "GET", "/1.0/profiles?recursion=1"))
        runs = iter(range(1000))
        fans = alternate(ours=lambda: fan_out(ours, ("GET", "/v1/tenants?watch=true"), our_writes(next(runs))),
                         etcd=lambda: fan_out(etcd.address, ("POST", "/v3/watch", json.dumps({"create_request": {"key": b64("w")}})),
                                              etcd_writes(next(runs))))
    figures = [Figure("get, p99, 1 connection", "us", column(get["ours"], "p99_us"), column(get["etcd"], "p99_us"), "etcd gateway",
                      ("ours", "<=", 1000))]
    for what, rows in (("gets, 1 connection", get), ("gets, 8 connections", many), ("lists of 1,000", lists)):
        for peer, name, goal in (("etcd", "etcd gateway", None), ("lxd", "LXD 5.0", ("ratio", ">=", 5))):
            figures.append(Figure(what, "1/s", column(rows["ours"], "per_s"), column(rows[peer], "per_s"), name,
                                  goal if what.startswith("gets") else None))
    figures.append(Figure("a write seen by 1,000 watchers", "ms", column(fans["ours"], "p50_ms"), column(fans["etcd"], "p50_ms"),
                          "etcd gateway"))
    return figures


class Starts(Daemon):
    """A daemon whose readiness is heard by the supervisor's socket."""

    def time_to_ready(self):
        path = str(self.path / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            heard.bind(path)
            heard.settimeout(30)
            begun = time.monotonic()
            log = open(self.log, "ab")
            self.process = subprocess.Popen([BIN / "novacrond", "--config", self.config], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=dict(os.environ, NOTIFY_SOCKET=path))
            while b"READY=1" not in heard.recv(4096):
                pass
            took = time.monotonic() - begun
        os.unlink(path)
        return took * 1000


def resident_mib(process):
    fields = open(f"/proc/{process.pid}/statm").read().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def start():
    """From the process's start to ready with 1,000 resources, and what it holds in memory when idle."""
    build("programs")
    with folder() as path, Starts(path) as daemon:
        fill_ours(daemon)
        for name in ("scheduling-basic", "compute-controller", "kvm"):
            settings = {"libvirt_uri": f"qemu+unix:///system?socket={path}/none", "data_folder": str(path / "kvm")}
            daemon.enable_plugin(name, settings if name == "kvm" else None)
        ready, resident = [], []
        for _ in range(5):
            daemon.stop()
            ready.append(daemon.time_to_ready())
            for name in ("scheduling-basic", "compute-controller", "kvm"):
                daemon.wait_plugin(name, "ENABLED")
            wait_until(functools.partial(is_idle, daemon.process), 30, "the daemon is idle")
            resident.append(resident_mib(daemon.process))
    return [Figure("start to ready, 1,000 resources", "ms", ready, goal=("ours", "<=", 300)),
            Figure("resident when idle, first-party plugins on", "MiB", resident, goal=("ours", "<=", 40))]


def our_machine(site, names):
    """Makes a machine; the milliseconds until a watch says that it runs."""
    from compute import machine
    name = next(names)
    watch = UnixConnection(site.daemon.socket, 60)
    watch.request("GET", f"{site.machines}?watch=true")
    events = (json.loads(line).get("object", {}) for line in watch.getresponse())
    begun = time.monotonic()
    site.daemon.post(site.machines, machine(site, name))
    next(seen for seen in events
         if seen.get("metadata", {}).get("name") == name and seen.get("status", {}).get("phase") == "RUNNING")
    took = time.monotonic() - begun
    watch.close()
    site.daemon.delete(f"{site.machines}/{name}")
    site.wait_gone(name)
    return took * 1000


def their_domain(site, template, names):
    """Defines and starts the same domain by virsh, in one run of it; the milliseconds that it takes."""
    name, uid = next(names), str(uuid.uuid4())
    file = site.path / f"{name}.xml"
    file.write_text(re.sub(r"<uuid>.*</uuid>", f"<uuid>{uid}</uuid>", re.sub(r"<name>.*</name>", f"<name>{name}</name>", template)))
    begun = time.monotonic()
    site.libvirtd.virsh(f"define {file}; start {name}")
    took = time.monotonic() - begun
    site.libvirtd.virsh(f"destroy {name}; undefine {name}")
    return took * 1000


def vm():
    """A machine from its creation to running, against virsh define and start of the same XML."""
    build("programs")
    from compute import Site, machine
    names = (f"m{i}" for i in itertools.count())
    with Site() as site:
        uid = site.daemon.post(site.machines, machine(site, "template"))["metadata"]["uid"]
        site.wait_phase("template", "RUNNING")
        template = site.libvirtd.virsh("dumpxml", uid, "--inactive")
        site.daemon.post(f"{site.machines}/template:stop")
        site.wait_phase("template", "STOPPED")  # its files stay, the peer's domain uses them
        rows = alternate(ours=lambda: our_machine(site, names), virsh=lambda: their_domain(site, template, names))
    return [Figure("machine, create to running", "ms", rows["ours"], rows["virsh"], "virsh define + start", ("ratio", "<=", 1.05))]


def is_idle(process):
    """Less than 10 ms of processor time in a second."""
    used = lambda: sum(map(int, open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()[11:13]))
    before = used()
    time.sleep(1)
    return used() - before <= 1


MEASUREMENTS = {"call": call, "sandbox": sandbox, "state": state, "events": events, "rest": rest, "start": start, "vm": vm}
