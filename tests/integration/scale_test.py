"""Many machines on a played fleet: from create to running, list, watch and delete, with the truth checked at the end.

  scale_test.py [--machines 1000] [--nodes 50] [--json]

Machines are made in three waves, a quarter, a quarter and a half, so that a cost that grows with what is there shows: the
figures of each wave stand beside each other. The fake driver's journal is the truth about what ran where.
"""

import argparse
import collections
import concurrent.futures
import http.client
import json
import os
import statistics
import threading
import time

from harness import BUILD, TENANT, Daemon, UnixConnection, folder, wait_until

MACHINES = f"{TENANT}/virtualmachines"
CLIENTS = 8
GIB = 1 << 30
ABSENT, RUNNING = 1, 3  # GuestStatus.State
FULL = 0.8  # of the fleet's memory, when all machines run


class Client:
    """A connection that is kept."""

    def __init__(self, daemon):
        self.connection = UnixConnection(daemon.socket, 60)

    def call(self, method, path, body=None):
        payload = None if body is None else json.dumps(body)
        self.connection.request(method, path, payload, {"Content-Type": "application/json"} if payload else {})
        answer = self.connection.getresponse()
        raw = answer.read()
        assert answer.status < 300, (method, path, answer.status, raw)
        return json.loads(raw) if raw else None


class Watcher(threading.Thread):
    """Follows the machines, and knows when each came to run and when it went."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.connection = UnixConnection(daemon.socket, 600)
        self.ran_at, self.gone_at, self.events = {}, {}, 0
        self.failure = None

    def run(self):
        try:
            self.connection.request("GET", f"{MACHINES}?watch=true")
            for line in self.connection.getresponse():
                self.take(json.loads(line))
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.failure = error  # at the end of the test, its own daemon's end

    def take(self, event):
        self.events += 1
        if event["type"] == "BOOKMARK":
            return
        if "object" not in event:
            raise ValueError(event)  # why the watch ended
        machine = event["object"]
        name = machine["metadata"]["name"]
        if event["type"] == "DELETED":
            self.gone_at.setdefault(name, time.monotonic())
        elif machine.get("status", {}).get("phase") == "RUNNING":
            self.ran_at.setdefault(name, time.monotonic())

    def has(self, times, count):
        """Whether so many are known; fails when the watch has ended."""
        assert self.failure is None, self.failure
        return len(times) == count


def cost_of(process):
    """CPU seconds and resident bytes so far."""
    fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE")


def timed(function):
    begun = time.monotonic()
    function()
    return time.monotonic() - begun


def each(daemon, names, act):
    """act(client, name) for every name, by several clients; the seconds that each took."""
    local = threading.local()

    def one(name):
        if not hasattr(local, "client"):
            local.client = Client(daemon)
        return timed(lambda: act(local.client, name))

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(one, names))


def spec_of(name):
    return {"metadata": {"name": name}, "spec": {"cpus": 1, "memory_bytes": "1GiB", "driver": "fake"}}


def milliseconds(seconds, share):
    return round(sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))] * 1000, 2)


def wave(daemon, watcher, names, patience_s, known):
    """Makes the machines and waits until the watch has seen all of them running."""
    cpu, resident = cost_of(daemon.process)
    begun = time.monotonic()
    begun_at = {}

    def create(client, name):
        begun_at[name] = time.monotonic()
        client.call("POST", MACHINES, spec_of(name))

    took = each(daemon, names, create)
    created = time.monotonic() - begun
    wait_until(lambda: watcher.has(watcher.ran_at, known + len(names)), patience_s,
               f"{known + len(names)} machines run")
    all_run = time.monotonic() - begun
    to_running = [watcher.ran_at[name] - begun_at[name] for name in names]
    cpu_after, resident_after = cost_of(daemon.process)
    return {
        "machines": known + len(names), "creates_per_s": round(len(names) / created),
        "create_p50_ms": milliseconds(took, 0.5), "create_p99_ms": milliseconds(took, 0.99),
        "running_per_s": round(len(names) / all_run), "to_running_p50_ms": milliseconds(to_running, 0.5),
        "to_running_p99_ms": milliseconds(to_running, 0.99),
        "cpu_ms_each": round((cpu_after - cpu) / len(names) * 1000, 2),
        "kib_each": round((resident_after - resident) / len(names) / 1024, 1), "rss_mib": resident_after >> 20,
    }


def list_all(client):
    items, token = [], ""
    while True:
        page = client.call("GET", f"{MACHINES}?limit=1000" + (f"&page_token={token}" if token else ""))
        items += page["items"]
        token = page["next_page_token"]
        if not token:
            return items


def read_journal(path, node_bytes):
    """Replays the journal; the guests that are there. Fails on a moment with too much on a node, or a guest in two places."""
    guests, used = {}, collections.Counter()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        state, uid, node, size, _ = line.split()[:5]
        old_node, old_size = guests.pop(uid, (None, 0))
        if old_node is not None:
            assert old_node == node, f"line {number}: {uid} was on {old_node}, now on {node}"
            used[old_node] -= old_size
        if int(state) != ABSENT:
            guests[uid] = (node, int(size))
            used[node] += int(size)
            assert used[node] <= node_bytes, f"line {number}: {node} holds {used[node]} of {node_bytes} bytes"
    return guests


def check_running(items, guests, count, nodes):
    """Every machine runs, each with one guest, where its status says, and nothing else does."""
    assert len(items) == count, len(items)
    where = {item["metadata"]["uid"]: item["status"]["node"] for item in items}
    assert all(item["status"]["phase"] == "RUNNING" for item in items)
    assert where == {uid: node for uid, (node, _) in guests.items()}
    assert len(guests) == count
    load = collections.Counter(where.values())
    assert len(load) == nodes, f"{len(load)} of {nodes} nodes are used"
    assert max(load.values()) <= min(load.values()) + 2, f"the load does not spread: {load.most_common()}"


def check_log(daemon):
    log = daemon.log.read_text(errors="replace")
    for bad in ("guest without a machine", "fake.second-guest", "fake.no-room", "fake.no-node", "not understood"):
        assert bad not in log, f"the log has: {bad}"


def start_fleet(daemon, nodes, journal, node_bytes):
    config = {"journal": str(journal), "memory_bytes": node_bytes, "label_selector": "novacron.dev/fleet=true"}
    for name, settings in (("scheduling-basic", None), ("fake", config), ("compute-controller", None)):
        daemon.enable_plugin(name, settings)
    wait_until(lambda: offered(daemon) == nodes, 60, f"{nodes} nodes offer room")


def offered(daemon):
    items = daemon.get("/v1/computenodes?limit=1000")["items"]
    return sum(1 for item in items if item.get("status", {}).get("memory_bytes"))


def delete_all(daemon, watcher, names, patience_s):
    cpu, _ = cost_of(daemon.process)
    begun = time.monotonic()
    took = each(daemon, names, lambda client, name: client.call("DELETE", f"{MACHINES}/{name}"))
    wait_until(lambda: watcher.has(watcher.gone_at, len(names)), patience_s, f"{len(names)} machines are gone")
    seconds = time.monotonic() - begun
    cpu_after, _ = cost_of(daemon.process)
    return {"delete_p99_ms": milliseconds(took, 0.99), "deleted_per_s": round(len(names) / seconds),
            "delete_cpu_ms_each": round((cpu_after - cpu) / len(names) * 1000, 2)}


def run(path, machines, nodes):
    node_bytes = int(machines / nodes / FULL) * GIB
    journal = path / "journal"
    patience_s = 60 + machines / 10
    fleet = Daemon(path, plugins=[BUILD / "lib/novacron/test-plugins"], arguments=["--dev", "--fleet", nodes])
    with fleet as daemon:
        start_fleet(daemon, nodes, journal, node_bytes)
        watcher = Watcher(daemon)
        watcher.start()
        names = [f"m{i}" for i in range(machines)]
        waves, known = [], 0
        for end in (machines // 4, machines // 2, machines):
            waves.append(wave(daemon, watcher, names[known:end], patience_s, known))
            known = end
        client = Client(daemon)
        listed = statistics.median(timed(lambda: list_all(client)) for _ in range(3))
        check_running(list_all(client), read_journal(journal, node_bytes), machines, nodes)
        after = delete_all(daemon, watcher, names, patience_s)
        assert list_all(client) == [] and read_journal(journal, node_bytes) == {}, "something stayed behind"
        check_log(daemon)
        return {"waves": waves, "list_all_ms": round(listed * 1000, 1), "watch_events": watcher.events, **after}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=50)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    options = parser.parse_args()
    with folder() as path:
        figures = run(path, options.machines, options.nodes)
    if options.json:
        return print(json.dumps(figures))
    for row in figures.pop("waves"):
        print(*(f"{key}={value}" for key, value in row.items()))
    print(*(f"{key}={value}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
