"""Times relative to now: in lists and watches, of events, and from the command line."""

import http.client
import json
import os
import subprocess
from urllib.parse import quote

from harness import BUILD, ApiError, Daemon, UnixConnection, folder

TENANTS = "/v1/tenants"


def refused(call):
    """The problem that a call is answered with."""
    try:
        answer = call()
    except ApiError as error:
        return dict(error.problem, status=error.status)
    raise AssertionError(f"taken: {answer}")


def found(daemon, selector):
    return {item["metadata"]["name"] for item in daemon.get(f"{TENANTS}?field_selector={quote(selector)}")["items"]}


def lists_and_watches(daemon):
    daemon.post(TENANTS, {"metadata": {"name": "made"}, "spec": {}})
    assert found(daemon, "metadata.created_at > now-1h") == {"default", "made"}
    assert found(daemon, "metadata.created_at > now + 1h") == set()
    assert found(daemon, 'metadata.created_at < now-1d || metadata.name == "made"') == {"made"}
    problem = refused(lambda: found(daemon, "metadata.created_at > now-soon"))
    assert problem["status"] == 400 and problem["reason"] == "selector.invalid" and "now-1h30m" in problem["detail"], problem
    revision = daemon.get(TENANTS)["revision"]
    connection = UnixConnection(daemon.socket, 20)
    connection.request("GET", f"{TENANTS}?watch=true&after_revision={revision}&field_selector={quote('metadata.created_at > now-1h')}")
    stream = connection.getresponse()
    daemon.post(TENANTS, {"metadata": {"name": "later"}, "spec": {}})
    event = next(e for e in map(json.loads, stream) if e["type"] != "BOOKMARK")
    assert event["object"]["metadata"]["name"] == "later", event
    connection.close()


def watches_of_the_command_line(daemon):
    """--watch knows --where and --since as a list does."""
    where = 'metadata.name != "shunned"'
    daemon.post(TENANTS, {"metadata": {"name": "shunned"}, "spec": {}})
    watch = subprocess.Popen(
        [BUILD / "bin" / "novacron", "tenant", "list", "--watch", "--where", where, "--since", "1h", "-o", "name", "--timeout", "60s"],
        env=dict(os.environ, HOME=str(daemon.path), NOVACRON_SOCKET=daemon.socket, NO_COLOR="1"),
        stdout=subprocess.PIPE, text=True)
    try:
        first = {watch.stdout.readline().strip() for _ in daemon.get(TENANTS)["items"][1:]}
        assert "default" in first and "shunned" not in first, first
        daemon.patch(f"{TENANTS}/shunned", {"spec": {"description": "again"}})
        daemon.post(TENANTS, {"metadata": {"name": "watched"}, "spec": {}})
        assert watch.stdout.readline().strip() == "watched"
    finally:
        watch.kill()
        watch.wait()
    refusal = daemon.cli("tenant", "list", "--watch", "--sort-by", "metadata.name", check=False)
    assert refusal.returncode == 2 and "--sort-by" in refusal.stderr, refusal


def events_of(daemon, query):
    """Those that come within a second."""
    connection = UnixConnection(daemon.socket, 1)
    connection.request("GET", f"/v1/events?{query}")
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    events = []
    try:
        for line in answer:
            events.append(json.loads(line))
    except (TimeoutError, http.client.HTTPException):
        pass
    connection.close()
    return [(event["subject"], event["time"]) for event in events]


def events(daemon):
    everything = events_of(daemon, "since=now-1h")
    assert everything, "creations are events"
    middle = everything[-1][1]
    assert events_of(daemon, f"since={quote(middle)}") == [e for e in everything if e[1] >= middle]
    assert events_of(daemon, f"since=now-1h&until={quote(middle)}") == everything
    assert events_of(daemon, "since=now-1h&until=now-30m") == []
    assert refused(lambda: daemon.get("/v1/events?since=yesterday"))["reason"] == "http.query"


def command_line(daemon):
    assert daemon.cli("tenant", "list", "--since", "1h", "-o", "name").stdout.split() == ["default", "later", "made"]
    assert daemon.cli("get", "tenants", "--until", "1h", "-o", "name").stdout == ""
    where = 'metadata.name == "made" || metadata.name == "none"'
    assert daemon.cli("get", "tenants", "--since", "2020-01-01T00:00:00Z", "--where", where, "-o", "name").stdout == "made\n"
    assert daemon.cli("get", "tenants", "--since", "soon", check=False).returncode == 2
    assert "tenant" in daemon.cli("events", "--since", "1h").stdout
    assert daemon.cli("events", "--since", "2h", "--until", "1h").stdout == ""


def main():
    with folder() as path, Daemon(path) as daemon:
        lists_and_watches(daemon)
        events(daemon)
        command_line(daemon)
        watches_of_the_command_line(daemon)


if __name__ == "__main__":
    main()
