"""The host is restarted while everything is in use: guests run on, watches go on where they were, operations resume or end."""

import asyncio
import http.client
import json
import ssl
import threading
import time
import uuid
from urllib.parse import urlsplit

import websocket_test
from harness import BUILD, TENANT, ApiError, Daemon, UnixConnection, folder, wait_until

MACHINES = f"{TENANT}/virtualmachines"
HOLES = f"{TENANT}/holes"
OPERATIONS = f"{TENANT}/operations"
GUESTS = 10
RESTARTS = 3
WRITES_BETWEEN = 20
PATIENCE_S = 60
PAUSE_S = 0.05
GONE = (OSError, http.client.HTTPException, ValueError, EOFError)


class Ended(EOFError):
    """The host has ended the watch, and said why."""


class Follower(threading.Thread):
    """Watches the tenants, however often the connection breaks, from a revision on."""

    def __init__(self, daemon, token, revision):
        super().__init__(daemon=True)
        self.host, self.token, self.cursor = daemon, token, revision
        self.seen, self.connections, self.failure = [], 0, None
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                self.follow()
            except GONE:
                time.sleep(PAUSE_S)
            except Exception as error:  # of the test itself: not hidden by another try
                self.failure = error
                return

    def take(self, event):
        if event["type"] == "ERROR":
            assert event["error"]["reason"] in ("api.draining", "resource.watch-lagged"), event
            raise Ended(event["error"]["reason"])
        self.cursor = event["revision"]
        if event["type"] == "PUT":
            self.seen.append((event["revision"], event["object"]["metadata"]["name"], event["object"]["spec"].get("description")))

    def target(self):
        return f"/v1/tenants?watch=true&after_revision={self.cursor}"

    def place(self):
        """Where TLS is served now, and the authority."""
        facts = json.loads((self.host.data / "run" / "api.json").read_text())
        return {"url": facts["urls"][0], "ca": facts["ca"], "token": self.token}


class Lines(Follower):
    def follow(self):
        connection = UnixConnection(self.host.socket, PATIENCE_S)
        try:
            connection.request("GET", self.target())
            answer = connection.getresponse()
            if answer.status != 200:
                raise Ended(answer.status)
            self.connections += 1
            for line in answer:
                self.take(json.loads(line))
        finally:
            connection.close()


class ServerSentEvents(Follower):
    """Resumes as browsers do: by the id of the last event."""

    last_id = None

    def follow(self):
        access = self.place()
        place = urlsplit(access["url"])
        connection = http.client.HTTPSConnection(place.hostname, place.port, timeout=PATIENCE_S,
                                                 context=ssl.create_default_context(cafile=access["ca"]))
        try:
            head = {"Accept": "text/event-stream", "Authorization": f"Bearer {self.token}"}
            if self.last_id is not None:
                head["Last-Event-ID"] = self.last_id
            connection.request("GET", "/v1/tenants?watch=true" if self.last_id else self.target(), headers=head)
            answer = connection.getresponse()
            if answer.status != 200:
                raise Ended(answer.status)
            self.connections += 1
            self.read(answer)
        finally:
            connection.close()

    def read(self, answer):
        event_id, data = None, ""
        for raw in answer:
            line = raw.decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if name == "id":
                event_id = value
            elif name == "data":
                data += value
            elif not line and data:
                self.take(json.loads(data))
                self.last_id, data = event_id or self.last_id, ""


class WebSocket(Follower):
    def follow(self):
        asyncio.run(self.follow_once())

    async def follow_once(self):
        client = await websocket_test.connect(self.place(), self.target())
        self.connections += 1
        ended = asyncio.ensure_future(client.ended.wait())
        while True:
            message = asyncio.ensure_future(client.inbox.get())
            await asyncio.wait({message, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not message.done():
                message.cancel()
                raise Ended(client.code)
            self.take(message.result())


class Writer(threading.Thread):
    """Makes and changes tenants, one after the other; what got no answer is asked again with its key, so it happens once."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.host, self.written, self.failure = daemon, [], None
        self.stopping = threading.Event()

    def insist(self, method, path, body, content_type):
        key = uuid.uuid4().hex
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.host.call(method, path, body, {"Idempotency-Key": key, "Content-Type": content_type})[2]
            except GONE as error:
                assert time.monotonic() < deadline, error
            except ApiError as error:
                assert error.status == 503 and time.monotonic() < deadline, error
            time.sleep(PAUSE_S)

    def run(self):
        try:
            number = 0
            while not self.stopping.is_set():
                number += 1
                made = self.insist("POST", "/v1/tenants", {"metadata": {"name": f"t{number}"}}, "application/json")
                self.remember(made)
                changed = self.insist("PATCH", f"/v1/tenants/t{number}", {"spec": {"description": f"d{number}"}},
                                      "application/merge-patch+json")
                self.remember(changed)
        except Exception as error:
            self.failure = error

    def remember(self, tenant):
        self.written.append((tenant["metadata"]["revision"], tenant["metadata"]["name"], tenant["spec"].get("description")))


def start_guests(daemon):
    for i in range(GUESTS):
        daemon.post(MACHINES, {"metadata": {"name": f"m{i}"}, "spec": {"cpus": 1, "memory_bytes": "64MiB", "driver": "fake"}})
    wait_running(daemon, GUESTS)


def wait_running(daemon, count):
    def running():
        return sum(1 for item in daemon.get(MACHINES)["items"] if item.get("status", {}).get("phase") == "RUNNING") == count

    wait_until(running, PATIENCE_S, f"{count} machines run")


def restart(daemon):
    daemon.stop(timeout_s=PATIENCE_S)
    assert daemon.process.returncode == 0, daemon.process.returncode
    daemon.start(timeout_s=PATIENCE_S)


def watches_and_guests_go_on(daemon, journal, token):
    revision = daemon.get("/v1/tenants")["revision"]
    followers = [kind(daemon, token, revision) for kind in (Lines, ServerSentEvents, WebSocket)]
    writer = Writer(daemon)
    guests_before = journal.read_text()
    for thread in (*followers, writer):
        thread.start()
    for restarts in range(RESTARTS):
        known = len(writer.written)
        for follower in followers:
            wait_until(lambda: follower.failure or follower.connections > restarts, PATIENCE_S,
                       f"{type(follower).__name__} is connected, to be cut off")
        wait_until(lambda: writer.failure or len(writer.written) >= known + WRITES_BETWEEN, PATIENCE_S, "writes go on")
        restart(daemon)
    known = len(writer.written)
    wait_until(lambda: writer.failure or len(writer.written) >= known + WRITES_BETWEEN, PATIENCE_S, "writes go on")
    writer.stopping.set()
    writer.join(PATIENCE_S)
    assert writer.failure is None, writer.failure
    for follower in followers:
        wait_until(lambda: follower.failure or len(follower.seen) >= len(writer.written), PATIENCE_S,
                   f"{type(follower).__name__} has seen everything")
        assert follower.failure is None, follower.failure
        assert follower.seen == writer.written, (type(follower).__name__, set(writer.written) ^ set(follower.seen))
        assert follower.connections >= RESTARTS + 1, "it was really cut off each time"
        follower.stopping.set()
    wait_running(daemon, GUESTS)
    assert journal.read_text() == guests_before, "nobody has touched a guest"


def what_was_asked_for_just_before_is_done(daemon, journal):
    """A change of a spec is an operation until its controller has caught up, by whichever run of the host."""
    uid = daemon.get(f"{MACHINES}/m0")["metadata"]["uid"]
    headers = daemon.call("POST", f"{MACHINES}/m0:stop", {})[1]
    restart(daemon)
    operation = f"{OPERATIONS}/{headers['Operation']}"
    wait_until(lambda: daemon.get(operation)["status"]["state"] == "SUCCEEDED", PATIENCE_S, f"{operation} is done")
    states = [line.split()[0] for line in journal.read_text().splitlines() if line.split()[1] == uid]
    assert len(states) == 2, f"made and stopped, each once: {states}"


def running_actions_resume_or_end(daemon, journal):
    for name in ("north", "south"):
        daemon.post(HOLES, {"metadata": {"name": name}, "spec": {"depth": 1}})
    dig = daemon.post(f"{HOLES}/north:dig")["metadata"]["name"]
    blast = daemon.post(f"{HOLES}/south:blast")["metadata"]["name"]
    lines = {f"dig north {dig}", f"blast south {blast}"}
    wait_until(lambda: journal.exists() and set(journal.read_text().splitlines()) == lines, PATIENCE_S, "both are under way")
    restart(daemon)

    def status(name):
        return daemon.get(f"{OPERATIONS}/{name}")["status"]

    ended = wait_until(lambda: status(blast)["state"] == "FAILED" and status(blast), PATIENCE_S, "what may not be repeated has ended")
    assert ended["reason"] == "operation.interrupted", ended
    wait_until(lambda: len(journal.read_text().splitlines()) == 3, PATIENCE_S, "what may be repeated is")
    assert status(dig)["state"] == "RUNNING"
    journal.with_name(journal.name + ".go").touch()
    wait_until(lambda: status(dig)["state"] == "SUCCEEDED", PATIENCE_S, "it ends")
    assert sorted(journal.read_text().splitlines()) == sorted([*lines, f"dig north {dig}"]), "with the same key, and the other not again"


def main():
    with folder() as path, Daemon(path, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        guests, holes = path / "guests", path / "holes"
        daemon.enable_plugin("scheduling-basic")
        daemon.enable_plugin("fake", {"journal": str(guests), "memory_bytes": 4 << 30})
        daemon.enable_plugin("compute-controller")
        daemon.enable_plugin("digger", {"journal": str(holes)})
        start_guests(daemon)
        watches_and_guests_go_on(daemon, guests, daemon.access()["token"])
        what_was_asked_for_just_before_is_done(daemon, guests)
        running_actions_resume_or_end(daemon, holes)


if __name__ == "__main__":
    main()
    print("ok")
