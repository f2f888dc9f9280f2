"""A sandboxed plugin that is killed again and again in the middle of its calls, under load, in a real host: every call
comes back, with an error that may be tried again where it was cut off; no operation is lost; and soon it serves again.

The load is another process, so that measuring does not wait for it."""

import argparse
import collections
import http.client
import json
import multiprocessing
import os
import pathlib
import queue
import signal
import threading
import time

from harness import BUILD, TENANT, UnixConnection, wait_until
from sandbox_test import children, host, status

SETTINGS = "[sandbox]\nrestart_ms = 1\nrestart_longest_ms = 1\nmax_deaths = 1000\ndeaths_within_s = 1\n"
CALLERS, OPERATORS = 24, 4
HUNG_S = 30
RETRY_S = 0.02  # of the callers, where the host says a second
WAIT = "/ext/courier/wait?"
RETRYABLE = {"plugin.died", "plugin.no-provider", "plugin.stopping"}
GOAL_MS = 150


class Client:
    """One connection, made anew when it breaks."""

    def __init__(self, path):
        self.path = path
        self.connection = None

    def call(self, method, path, body=None):
        """(status, decoded JSON or text); a call that takes HUNG_S raises."""
        if self.connection is None:
            self.connection = UnixConnection(self.path, HUNG_S)
        try:
            self.connection.request(method, path, body if body is None else json.dumps(body),
                                    {"Content-Type": "application/json"} if body is not None else {})
            answer = self.connection.getresponse()
            raw = answer.read()
            return answer.status, json.loads(raw) if "json" in answer.headers.get("Content-Type", "") else raw.decode(), answer.headers
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            raise


class Load:
    """Callers that wait a few milliseconds in the plugin, and operations that go step by step; until told to stop."""

    def __init__(self, path, stop):
        self.path = path
        self.stop = stop
        self.lock = threading.Lock()
        self.outcomes = collections.Counter()
        self.wrong = []
        self.operations = []

    def note(self, outcome, answer, headers):
        with self.lock:
            self.outcomes[outcome] += 1
            is_well = outcome == "200" or (outcome in RETRYABLE and headers.get("Retry-After"))
            if not is_well and len(self.wrong) < 10:
                self.wrong.append((outcome, str(answer)[:500]))

    def call_on(self):
        client = Client(self.path)
        while not self.stop.is_set():
            try:
                code, answer, headers = client.call("GET", WAIT + "5")
                time.sleep(0 if code == 200 else RETRY_S)
                self.note("200" if code == 200 else answer.get("reason", code) if isinstance(answer, dict) else code, answer, headers)
            except (OSError, http.client.HTTPException) as error:
                self.note(f"hung or broken: {error!r}", "", {})

    def operate(self, number):
        client = Client(self.path)
        while not self.stop.is_set():
            code, answer, _ = client.call("POST", f"{TENANT}/parcels/p{number}:deliver", {"steps": 5, "pause_ms": 5})
            if code != 202:
                self.note(f"operation {code}", answer, {})
                continue
            name = answer["metadata"]["name"]
            until = time.monotonic() + 120
            while time.monotonic() < until:
                state = client.call("GET", f"{TENANT}/operations/{name}")[1].get("status", {})
                if "ended_at" in state:
                    break
                time.sleep(0.02)
            with self.lock:
                self.operations.append((name, state.get("state"), state.get("reason", ""), state.get("attempts", 0)))

    def run(self):
        threads = [threading.Thread(target=self.call_on) for _ in range(CALLERS)]
        threads += [threading.Thread(target=self.operate, args=(number,)) for number in range(OPERATORS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"outcomes": dict(self.outcomes), "wrong": self.wrong, "operations": self.operations}


def run_load(path, stop, results):
    results.put(Load(path, stop).run())


def answered(client, path):
    """Whether it was; None: the call never came back."""
    return client.call("GET", path)


def kill_in_mid_call(daemon, held, probe):
    """Kills the plugin while a call is in it: milliseconds until that call had its error, and until it serves again."""
    before = int(probe.call("GET", "/ext/courier/waiting")[1])
    outcome = queue.SimpleQueue()
    thread = threading.Thread(target=lambda: outcome.put((held.call("GET", WAIT + "60000"), time.monotonic())), daemon=True)
    thread.start()
    # The load's calls come and go; the one that is held stays.
    wait_until(lambda: int(probe.call("GET", "/ext/courier/waiting")[1]) > 0, HUNG_S, f"it is in the plugin ({before} were)")
    (victim,) = children(daemon)
    killed = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    while True:
        code, answer, _ = probe.call("GET", WAIT + "0")
        serving = time.monotonic()
        if code == 200 and children(daemon) != [victim]:
            break
        assert code == 503 and answer["reason"] in RETRYABLE, (code, answer)
        assert serving - killed < HUNG_S, "it does not come back"
        time.sleep(0.001)
    (code, answer, headers), ended = outcome.get(timeout=HUNG_S)
    thread.join()
    assert code == 503 and answer["reason"] in RETRYABLE and headers["Retry-After"], (code, answer)
    return (ended - killed) * 1000, (serving - killed) * 1000, answer["reason"]


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def held_by(daemon):
    """Descriptors and threads of the daemon."""
    process = pathlib.Path(f"/proc/{daemon.process.pid}")
    return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))


def kill_again_and_again(daemon, kills):
    held, probe = Client(daemon.socket), Client(daemon.socket)
    return [kill_in_mid_call(daemon, held, probe) for _ in range(kills)]


def what_became_of_the_load(load, kills):
    assert not load["wrong"], load["wrong"]
    assert load["outcomes"].get("200", 0) > 0 and load["operations"], load
    lost = [operation for operation in load["operations"] if operation[1] != "SUCCEEDED"]
    assert not lost, f"{len(lost)} of {len(load['operations'])} operations: {lost[:5]}"
    again = sum(1 for operation in load["operations"] if operation[3] > 1)
    assert again > 0 or kills < 10, "operations were cut off, too"
    print(f"calls: {load['outcomes']}; operations: {len(load['operations'])}, all succeeded, {again} after more than one attempt")


def tell(rounds):
    detected, recovered = [r[0] for r in rounds], [r[1] for r in rounds]
    figures = {name: [round(percentile(values, share), 1) for share in (0.5, 0.9, 0.99, 1)]
               for name, values in (("error_ms", detected), ("serving_ms", recovered))}
    print(f"{len(rounds)} kills; p50, p90, p99, most: {json.dumps(figures)}; goal: serving p99 < {GOAL_MS} ms", flush=True)
    return figures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--figures", help="a file for them")
    options = parser.parse_args()
    with host(SETTINGS, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        daemon.post("/v1/plugins", {"metadata": {"name": "courier"}, "spec": {"enabled": True, "placement": "SANDBOXED"}})
        daemon.wait_plugin("courier", "ENABLED")
        for number in range(OPERATORS):
            daemon.post(f"{TENANT}/parcels", {"metadata": {"name": f"p{number}"}, "spec": {}})
        spawn = multiprocessing.get_context("spawn")
        stop, results = spawn.Event(), spawn.Queue()
        load = spawn.Process(target=run_load, args=(daemon.socket, stop, results))
        load.start()
        try:
            rounds = kill_again_and_again(daemon, min(10, options.kills))
            before = held_by(daemon)
            rounds += kill_again_and_again(daemon, options.kills - len(rounds))
            after = held_by(daemon)
            stop.set()
            what_became_of_the_load(results.get(timeout=300), options.kills)
        finally:
            load.kill()
            load.join()
        figures = tell(rounds)
        assert daemon.alive() and daemon.get("/readyz")["status"] == "ready"
        assert status(daemon, "courier")["state"] == "ENABLED" and len(children(daemon)) == 1
        # Each kill must give back what its sandbox cost; the load's own connections come and go.
        assert after[0] < before[0] + 64 and after[1] < before[1] + 64, (before, after)
        if options.figures:
            pathlib.Path(options.figures).write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
    print("ok")
