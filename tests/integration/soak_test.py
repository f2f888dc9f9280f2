"""A daemon in trouble for a long time: no answer is wrong, nothing is lost, and it holds no more in the end than at the start.

  soak_test.py [--seconds 1800] [--seed N] [--json]

Clients create, read, change, delete, list, watch and follow events over REST, and know what each answer must be. Meanwhile
plugins are disabled and enabled, the settings are read again, clients stall in the middle of a request or do not read, hundreds
connect at once, and connections are cut off. Memory, descriptors and threads are compared between the end of the warm-up and the
end; memory beyond what the state says that it keeps.
"""

import argparse
import json
import random
import resource
import signal
import socket
import statistics
import sys
import threading
import time

from harness import BUILD, Daemon, folder, wait_until
from soak import (FLOOD, LABEL, PATIENCE_S, TENANTS, Actor, Ledger, Listener, Machines, Watcher, Writer, cost,
                  cut_off_hard, metric, revision_of)

WRITERS, WATCHERS = 4, 2
WARM_UP = 0.3  # of the time
NODES = 3
AUDIT_RECORDS = 20_000  # there are so many after some minutes, so that what the state keeps stays about the same
MIB = 1 << 20
SLACK_BYTES = 24 * MIB  # of memory: what allocators keep of the records that a minute brings
STATE_FACTOR = 2  # bytes of memory for a byte of keys and values that the state counts
SLACK_DESCRIPTORS, SLACK_THREADS = 16, 24  # the pool's threads go after 5 s
PLUGINS = ("fake", "compute-controller", "scheduling-basic")


class Trouble(Actor):
    """Of one kind after the other, in random order."""

    def __init__(self, world):
        super().__init__("trouble", world)
        self.counts = {}
        self.held = []  # connections that do nothing
        self.kinds = [self.plugin, self.stall, self.deaf, self.flood, self.cut, self.half, self.reload]

    def step(self):
        kind = self.random.choice(self.kinds)
        kind()
        self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
        while len(self.held) > 20:
            self.held.pop(0).close()
        time.sleep(self.random.uniform(0.1, 1))

    def finish(self):
        for connection in self.held:
            connection.close()

    def connect(self, text=b""):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE_S)
        connection.connect(self.world.daemon.socket)
        connection.sendall(text)
        return connection

    def plugin(self):
        """Off and on again; writes are accepted meanwhile and carried out afterwards."""
        daemon, name = self.world.daemon, self.random.choice(PLUGINS)
        daemon.patch(f"/v1/plugins/{name}", {"spec": {"enabled": False}})
        daemon.wait_plugin(name, "DISABLED", PATIENCE_S)
        time.sleep(self.random.uniform(0, 0.5))
        daemon.patch(f"/v1/plugins/{name}", {"spec": {"enabled": True}})
        daemon.wait_plugin(name, "ENABLED", PATIENCE_S)

    def reload(self):
        """Other settings, or wrong ones, which change nothing."""
        place = self.world.daemon.path / "novacrond.toml.d"
        place.mkdir(exist_ok=True)
        level = self.random.choice(("warn", "error", "wrong"))
        (place / "soak.toml").write_text(f'[log]\nlevels = {{api = "{level}"}}\n[plugins]\nstop_timeout_ms = {self.random.randint(5_000, 9_000)}\n')
        self.world.daemon.process.send_signal(signal.SIGHUP)

    def stall(self):
        """A head that never ends, and a body that does not come."""
        self.held.append(self.connect(b"GET /v1/tenants HTTP/1.1\r\nHost: a\r\nX-Slow: "))
        self.held.append(self.connect(b"POST /v1/tenants HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"))

    def deaf(self):
        """A watcher that does not read."""
        self.held.append(self.connect(b"GET /v1/tenants?watch=true HTTP/1.1\r\nHost: a\r\n\r\n"))
        self.held.append(self.connect(b"GET /v1/events?subject=resource.> HTTP/1.1\r\nHost: a\r\n\r\n"))

    def flood(self):
        clients = [self.connect(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(FLOOD)]
        for client in clients:
            answer = client.recv(4096)
            if not answer.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 503 ")):
                raise AssertionError(answer)
            client.close()

    def cut(self):
        """Streams of clients that notice and resume."""
        self.random.choice(self.world.followers).cut()

    def half(self):
        """Gone in the middle of a request, and before its answer."""
        cut_off_hard(self.connect(b"POST /v1/tenants HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{\"meta"))
        cut_off_hard(self.connect(b"GET /v1/tenants?limit=1000 HTTP/1.1\r\nHost: a\r\n\r\n" * 8))


class World:
    def __init__(self, daemon, seed):
        self.daemon, self.seed = daemon, seed
        self.stopping = threading.Event()
        self.final_revision = 0
        self.ledger = Ledger()
        self.writers = [Writer(i, self) for i in range(WRITERS)]
        self.watchers = [Watcher(i, self) for i in range(WATCHERS)]
        self.followers = [*self.watchers, Listener(self)]
        self.busy = [*self.writers, Machines("machines", self), Trouble(self)]

    def failures(self):
        return [(actor.name, actor.failure) for actor in (*self.busy, *self.followers) if actor.failure]


class Costs:
    """What the daemon holds, at one time: the medians of some samples."""

    def __init__(self, daemon):
        samples = []
        for _ in range(10):
            samples.append(cost(daemon.process))
            time.sleep(0.1)
        self.resident, self.descriptors, self.threads = (int(statistics.median(column)) for column in zip(*samples))
        self.state = int(metric(daemon, "novacron_state_bytes"))

    def as_json(self):
        return {"rss_mib": round(self.resident / MIB, 1), "state_mib": round(self.state / MIB, 1), "descriptors": self.descriptors,
                "threads": self.threads}


def start_plugins(daemon, journal):
    fleet = {"journal": str(journal), "memory_bytes": 64 << 30, "label_selector": "novacron.dev/fleet=true"}
    for name, settings in (("scheduling-basic", None), ("fake", fleet), ("compute-controller", None)):
        daemon.enable_plugin(name, settings)
    offers = lambda: sum(1 for node in daemon.get("/v1/computenodes")["items"] if node.get("status", {}).get("memory_bytes"))
    wait_until(lambda: offers() == NODES, PATIENCE_S, f"{NODES} nodes offer room")


def start(world):
    """Those who follow first, from a known place."""
    for follower in world.followers:
        follower.start()
    wait_until(lambda: all(follower.stream and follower.stream.status == 200 for follower in world.followers), PATIENCE_S, "they follow")
    world.daemon.post(TENANTS, tenant("soak-first"))
    wait_until(lambda: all(follower.last for follower in world.followers), PATIENCE_S, "they have seen the first change")
    for actor in world.busy:
        actor.start()


def tenant(name):
    return {"metadata": {"name": name, "labels": {LABEL: "nobody"}}, "spec": {"description": name}}


def wait(world, seconds):
    world.stopping.wait(seconds)
    failures = world.failures()
    assert not failures, failures
    assert world.daemon.alive(), "the daemon has ended"


def quiesce(world):
    """Those who write come to an end first, so that those who follow know what they must see."""
    world.stopping.set()
    for actor in world.busy:
        actor.join(3 * PATIENCE_S)
        assert not actor.is_alive(), f"{actor.name} does not come to an end"
    tag = world.daemon.call("POST", TENANTS, tenant("soak-last"))[1]["ETag"]
    world.ledger.wrote(revision_of(tag))
    world.final_revision = revision_of(tag)
    for actor in world.followers:
        actor.join(PATIENCE_S)
        assert not actor.is_alive(), (actor.name, actor.last, world.final_revision, sorted(world.ledger.without_event)[:10])
    assert not world.failures(), world.failures()


def check_truth(world):
    """What a list says, what watches said, and what was written are one."""
    items = world.daemon.get(f"{TENANTS}?label_selector={LABEL}&limit=1000")["items"]
    listed = {item["metadata"]["name"]: item["spec"]["description"] for item in items}
    written = {name: text for writer in world.writers for name, (text, _) in writer.model.items()}
    assert listed == {**written, "soak-first": "soak-first", "soak-last": "soak-last"}, (listed, written)
    for watcher in world.watchers:
        assert watcher.objects == listed, (watcher.name, watcher.objects, listed)


def check_costs(daemon, idle, warm, end):
    """Memory under the same load; descriptors and threads as before anybody came."""
    grown, stored = end.resident - warm.resident, end.state - warm.state
    assert grown <= STATE_FACTOR * max(stored, 0) + SLACK_BYTES, ("memory grows", warm.as_json(), end.as_json())

    def settled():
        now = cost(daemon.process)
        return now[1] <= idle.descriptors + SLACK_DESCRIPTORS and now[2] <= idle.threads + SLACK_THREADS

    wait_until(settled, PATIENCE_S, f"descriptors and threads as in the beginning, {idle.as_json()}; at the end {end.as_json()}")


def figures(world, idle, warm, end):
    took = {}
    for actor in (*world.writers, world.busy[-2]):
        for kind, seconds in actor.client.took.items():
            took.setdefault(kind, []).extend(seconds)
    slow = {kind: round(sorted(seconds)[int(len(seconds) * 0.99)] * 1000, 1) for kind, seconds in sorted(took.items())}
    return {"writes": sum(writer.count for writer in world.writers), "requests": sum(map(len, took.values())), "p99_ms": slow,
            "machines": world.busy[-2].done, "trouble": world.busy[-1].counts, "cuts": sum(actor.cuts for actor in world.followers),
            "busy_answers": sum(writer.client.busy for writer in world.writers),
            "idle": idle.as_json(), "warm": warm.as_json(), "end": end.as_json()}


def run(path, seconds, seed):
    host = Daemon(path, f"[audit]\nmax_records = {AUDIT_RECORDS}\n", plugins=[BUILD / "lib/novacron/test-plugins"],
                  arguments=["--dev", "--fleet", NODES])
    with host as daemon:
        start_plugins(daemon, path / "journal")
        idle = Costs(daemon)
        world = World(daemon, seed)
        start(world)
        wait(world, seconds * WARM_UP)
        warm = Costs(daemon)
        wait(world, seconds * (1 - WARM_UP))
        end = Costs(daemon)
        quiesce(world)
        check_truth(world)
        check_costs(daemon, idle, warm, end)
        return figures(world, idle, warm, end)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr, flush=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4_096, max(4_096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    with folder() as path:
        told = run(path, options.seconds, options.seed)
    if options.json:
        return print(json.dumps(told))
    for key, value in told.items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    main()
