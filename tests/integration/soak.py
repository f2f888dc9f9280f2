"""The parts of soak_test.py: clients that know what they must be answered, trouble of several kinds, and what it costs."""

import collections
import http.client
import json
import os
import random
import re
import socket
import struct
import threading
import time

from harness import TENANT, UnixConnection, wait_until

TENANTS = "/v1/tenants"
MACHINES = f"{TENANT}/virtualmachines"
NAMES_OF_A_WRITER = 40
PAUSE_S = 0.01  # between the requests of one client: the host is to be busy, not to be full
PATIENCE_S = 60
FLOOD = 300
LABEL = "soak/writer"


class Wrong(AssertionError):
    """An answer that the model does not allow."""


def expect(condition, *what):
    if not condition:
        raise Wrong(what)


def revision_of(tag):
    return int(tag.strip('"').rsplit("-", 1)[1])


class Client:
    """A connection that is kept, and made anew when it was cut off. What each request took is in `took`, by kind."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.connection = None
        self.took = collections.defaultdict(list)
        self.busy = 0

    def call(self, method, path, body=None, **headers):
        """(status, headers, JSON). 503 with Retry-After is what a host under load may say: asked again, bounded."""
        head = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            head.setdefault("Content-Type", "application/json")
        until = time.monotonic() + PATIENCE_S
        while True:
            begun = time.monotonic()
            status, got, answer = self.once(method, path, None if body is None else json.dumps(body), head)
            self.note(f"{method} {'list' if '?' in path else 'object'}", time.monotonic() - begun)
            if status != 503 or "Retry-After" not in got or time.monotonic() > until:
                return status, got, answer
            self.busy += 1
            time.sleep(0.1)

    def once(self, method, path, payload, head):
        if self.connection is None:
            self.connection = UnixConnection(self.daemon.socket, PATIENCE_S)
        self.connection.request(method, path, payload, head)
        answer = self.connection.getresponse()
        raw = answer.read()
        if answer.will_close:
            self.connection = None
        return answer.status, answer.headers, json.loads(raw) if raw and "json" in answer.headers.get("Content-Type", "") else raw

    def note(self, kind, seconds):
        """The newest 20,000 of each kind."""
        kept = self.took[kind]
        if len(kept) < 20_000:
            kept.append(seconds)
        else:
            kept[random.randrange(len(kept))] = seconds


class Actor(threading.Thread):
    """Does one thing until it is told to stop; what went wrong is in `failure`."""

    def __init__(self, name, world):
        super().__init__(name=name, daemon=True)
        self.world = world
        self.random = random.Random(f"{world.seed}/{name}")
        self.client = Client(world.daemon)
        self.done = 0
        self.failure = None

    def run(self):
        try:
            while not self.over():
                self.step()
                self.done += 1
            self.finish()
        except Exception as error:  # told by the test's own thread
            self.failure = error
            self.world.stopping.set()

    def over(self):
        return self.world.stopping.is_set()

    def finish(self):
        pass


class Writer(Actor):
    """Creates, reads, changes and deletes tenants that are its own, so it knows what each answer must be."""

    def __init__(self, number, world):
        super().__init__(f"writer-{number}", world)
        self.number = number
        self.model = {}  # name → (description, etag)
        self.count = 0

    def step(self):
        name = f"soak-{self.number}-{self.random.randrange(NAMES_OF_A_WRITER)}"
        actions = (self.change, self.change, self.patch, self.read, self.delete, self.stale, self.again)
        (self.random.choice(actions) if name in self.model else self.random.choice((self.create, self.create, self.absent)))(name)
        if self.random.random() < 0.02:
            self.list()
        time.sleep(PAUSE_S)

    def body(self, name):
        self.count += 1
        return {"metadata": {"name": name, "labels": {LABEL: str(self.number)}},
                "spec": {"description": f"{self.number}.{self.count}." + "x" * self.random.randrange(200)}}

    def written(self, name, body, answer):
        status, headers, got = answer
        expect(status in (200, 201), "a write is refused", name, answer)
        expect(got["spec"]["description"] == body["spec"]["description"], "a write answers with something else", body, got)
        self.model[name] = (body["spec"]["description"], headers["ETag"])
        self.world.ledger.wrote(revision_of(headers["ETag"]))

    def create(self, name):
        body = self.body(name)
        self.written(name, body, self.client.call("POST", TENANTS, body))

    def change(self, name):
        body = self.body(name)
        self.written(name, body, self.client.call("PUT", f"{TENANTS}/{name}", body, If_Match=self.model[name][1]))

    def patch(self, name):
        body = {"spec": self.body(name)["spec"]}
        answer = self.client.call("PATCH", f"{TENANTS}/{name}", body, Content_Type="application/merge-patch+json")
        self.written(name, body, answer)

    def read(self, name):
        status, headers, got = self.client.call("GET", f"{TENANTS}/{name}")
        expect(status == 200 and (got["spec"]["description"], headers["ETag"]) == self.model[name],
               "a read differs from the last write", status, got, self.model[name])

    def delete(self, name):
        status, _, got = self.client.call("DELETE", f"{TENANTS}/{name}")
        expect(status in (200, 202, 204), "a delete is refused", status, got)
        wait_until(lambda: self.client.call("GET", f"{TENANTS}/{name}")[0] == 404, PATIENCE_S, f"{name} is gone")
        del self.model[name]

    def stale(self, name):
        """With the entity tag of an object that is no more."""
        tag = '"00000000-0000-4000-8000-000000000000-1"'
        status, _, got = self.client.call("PUT", f"{TENANTS}/{name}", self.body(name), If_Match=tag)
        expect(status == 412, "a write with a stale tag", status, got)

    def again(self, name):
        status, _, got = self.client.call("POST", TENANTS, self.body(name))
        expect(status == 409 and got["reason"] == "resource.exists", "a second creation", status, got)

    def absent(self, name):
        for method in ("GET", "DELETE"):
            expect(self.client.call(method, f"{TENANTS}/{name}")[0] == 404, "what is not there is found", name)

    def list(self):
        status, _, got = self.client.call("GET", f"{TENANTS}?label_selector={LABEL}={self.number}&limit=1000")
        expect(status == 200, "a list is refused", status, got)
        seen = {item["metadata"]["name"]: item["spec"]["description"] for item in got["items"]}
        expect(seen == {name: text for name, (text, _) in self.model.items()}, "a list differs from the model", seen, self.model)


class Ledger:
    """The revisions of writes that were acknowledged, and those that events told of: in the end every write has one."""

    def __init__(self):
        self.lock = threading.Lock()
        self.without_event = set()
        self.early = collections.OrderedDict()  # events may be faster than answers; those of deletions stay, bounded

    def wrote(self, revision):
        with self.lock:
            if self.early.pop(revision, None) is None:
                self.without_event.add(revision)

    def told(self, revision):
        with self.lock:
            if revision in self.without_event:
                self.without_event.remove(revision)
            else:
                self.early[revision] = True
                if len(self.early) > 100_000:
                    self.early.popitem(last=False)


class Stream:
    """The lines of a chunked answer, for whoever cannot wait for them without end."""

    def __init__(self, daemon, target):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(1)
        self.socket.connect(daemon.socket)
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: host\r\n\r\n".encode())
        self.raw, self.text = b"", b""
        self.status = 0

    def lines(self):
        """Those that came within a second, maybe none; None: the end."""
        try:
            data = self.socket.recv(65_536)
        except TimeoutError:
            return []
        if not data:
            return None
        self.raw += data
        if self.status == 0 and not self.head():
            return []
        self.chunks()
        *lines, self.text = self.text.split(b"\n")
        return [json.loads(line) for line in lines if line]

    def head(self):
        head, end, rest = self.raw.partition(b"\r\n\r\n")
        if end:
            self.status, self.raw = int(head.split(b" ", 2)[1]), rest
        return bool(end)

    def chunks(self):
        while True:
            size, end, rest = self.raw.partition(b"\r\n")
            length = int(size, 16) if end else 0
            if not end or len(rest) < length + 2:
                return
            self.text += rest[:length]
            self.raw = rest[length + 2:]


class Follower(Actor):
    """A stream that is cut off now and then and resumed where it was."""

    def __init__(self, name, world, path, resume):
        super().__init__(name, world)
        self.path, self.resume = path, resume
        self.last = 0
        self.cuts = 0
        self.stream = None

    def step(self):
        stream = self.stream = Stream(self.world.daemon, self.path + (f"&{self.resume}={self.last}" if self.last else ""))
        try:
            self.follow(stream)
        except OSError:
            pass  # by ourselves, see cut()
        self.cuts += 1
        stream.socket.close()

    def follow(self, stream):
        while not self.over():
            lines = stream.lines()
            if lines is None:
                return
            if stream.status == 503:
                return time.sleep(0.1)
            expect(stream.status in (0, 200), "a stream is refused", stream.status, stream.raw)
            for line in lines:
                self.take(line)

    def over(self):
        return self.world.stopping.is_set() and self.caught_up()

    def cut(self):
        try:
            self.stream.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is being made anew


class Watcher(Follower):
    """Knows the objects from a watch alone."""

    def __init__(self, number, world):
        super().__init__(f"watcher-{number}", world, f"{TENANTS}?watch=true&label_selector={LABEL}", "after_revision")
        self.objects = {}

    def take(self, event):
        expect(event["type"] != "ERROR", "a watch ends", event)
        expect(event["revision"] >= self.last, "a watch goes back", event, self.last)
        self.last = event["revision"]
        if event["type"] == "BOOKMARK":
            return
        name = event["object"]["metadata"]["name"]
        if event["type"] == "DELETED":
            self.objects.pop(name, None)
        else:
            self.objects[name] = event["object"]["spec"]["description"]

    def caught_up(self):
        return 0 < self.world.final_revision <= self.last


class Listener(Follower):
    """Hears of every change by an event."""

    def __init__(self, world):
        super().__init__("listener", world, "/v1/events?subject=resource.tenant.*", "after_sequence")

    def take(self, event):
        expect("error" not in event, "events end", event)
        expect(event["sequence"] > self.last, "events go back", event, self.last)
        expect(not event.get("missed"), "events are missed", event)
        self.last = event["sequence"]
        if event["body"]["name"].startswith("soak-"):
            self.world.ledger.told(event["revision"])

    def caught_up(self):
        with self.world.ledger.lock:
            return self.world.final_revision > 0 and not self.world.ledger.without_event


class Machines(Actor):
    """Machines come to run and go, whatever happens to the plugins meanwhile: at the latest when those are back."""

    def step(self):
        name = f"soak-{self.done}"
        status, _, got = self.client.call(
            "POST", MACHINES, {"metadata": {"name": name}, "spec": {"cpus": 1, "memory_bytes": "1GiB", "driver": "fake"}})
        expect(status == 201, "a machine is refused", status, got)
        self.until(name, lambda answer: answer[0] == 200 and answer[2].get("status", {}).get("phase") == "RUNNING", "runs")
        status, _, got = self.client.call("DELETE", f"{MACHINES}/{name}")
        expect(status in (200, 202), "a machine stays", status, got)
        self.until(name, lambda answer: answer[0] == 404, "is gone")
        time.sleep(0.1)

    def until(self, name, holds, what):
        wait_until(lambda: holds(self.client.call("GET", f"{MACHINES}/{name}")), 2 * PATIENCE_S, f"machine {name} {what}")


def cut_off_hard(connection):
    """Closes with a reset, where the kind of socket has one."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def cost(process):
    """(resident bytes, descriptors, threads)."""
    fields = open(f"/proc/{process.pid}/statm").read().split()
    return (int(fields[1]) * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{process.pid}/fd")),
            len(os.listdir(f"/proc/{process.pid}/task")))


def metric(daemon, name):
    text = daemon.get("/metrics").decode()
    return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE)[1])
