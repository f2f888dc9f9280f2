"""Many clients of the same watch and the same events: each gets the same bytes, at its own pace, and nothing that is another's."""

import contextlib
import http.client
import json
import re
import ssl

from harness import BUILD, Daemon, UnixConnection, folder

CLIENTS = 120
CHANGES = 1500  # more than what is shared reaches back
TENANTS = "/v1/tenants"


@contextlib.contextmanager
def stream(daemon, path, headers=None):
    connection = UnixConnection(daemon.socket, 60)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        yield answer
    finally:
        connection.close()


@contextlib.contextmanager
def streams(daemon, count, path, headers=None):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(stream(daemon, path, headers)) for _ in range(count)]


def lines(answer, count, wanted=lambda line: b'"BOOKMARK"' not in line):
    """The next lines that are wanted."""
    found = []
    while len(found) < count:
        line = answer.readline()
        assert line, f"the stream ended after {len(found)} lines"
        if wanted(line):
            found.append(line)
    return found


def datas(answer, count):
    return [line.removeprefix(b"data: ") for line in lines(answer, count, lambda line: line.startswith(b"data: ") and b"BOOKMARK" not in line)]


def make(daemon, name, labels=None):
    return daemon.post(TENANTS, {"metadata": {"name": name, "labels": labels or {}}, "spec": {}})


def describe(daemon, name, text):
    return daemon.patch(f"{TENANTS}/{name}", {"spec": {"description": text}})


def subscriptions(daemon):
    connection = UnixConnection(daemon.socket, 30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return int(float(re.search(r"^novacron_bus_subscriptions\S* (\S+)$", text, re.M)[1]))


def watchers_get_the_same(daemon):
    with streams(daemon, CLIENTS, f"{TENANTS}?watch=true") as all_of_them, \
            streams(daemon, 5, f"{TENANTS}?watch=true", {"Accept": "text/event-stream"}) as by_sse, \
            stream(daemon, f"{TENANTS}?watch=true&label_selector=app%3Dweb") as some:
        made = [make(daemon, f"same-{i}", {"app": "web"} if i % 2 else None)["metadata"]["name"] for i in range(10)]
        first = lines(all_of_them[0], 10)
        assert [json.loads(line)["object"]["metadata"]["name"] for line in first] == made
        for answer in all_of_them[1:]:
            assert lines(answer, 10) == first
        for answer in by_sse:
            assert datas(answer, 10) == first
        assert lines(some, 5) == first[1::2]
    behind = json.loads(first[3])["revision"]
    with streams(daemon, 2, f"{TENANTS}?watch=true") as steady, \
            stream(daemon, f"{TENANTS}?watch=true&after_revision={behind}") as resumed, \
            stream(daemon, f"{TENANTS}?watch=true", {"Accept": "text/event-stream", "Last-Event-ID": str(behind)}) as again:
        last = make(daemon, "same-last")["metadata"]["name"]
        rest = lines(resumed, 7)
        assert rest[:6] == first[4:] and json.loads(rest[6])["object"]["metadata"]["name"] == last, "nothing twice, nothing lost"
        assert datas(again, 7) == rest
        assert [lines(answer, 1) for answer in steady] == [rest[6:]] * 2


def a_watcher_that_does_not_read_loses_nothing(daemon):
    make(daemon, "busy")
    with stream(daemon, f"{TENANTS}?watch=true") as slow, stream(daemon, f"{TENANTS}?watch=true") as quick:
        seen = []
        for i in range(CHANGES):
            describe(daemon, "busy", f"{i} " + "x" * 400)
            if i % 100 == 99:
                seen += lines(quick, 100)
        revisions = [json.loads(line)["revision"] for line in seen]
        assert revisions == sorted(set(revisions)), "in order, and each once"
        found = lines(slow, CHANGES)
        assert found == seen, next((mine, others) for mine, others in zip(found, seen) if mine != others)
        describe(daemon, "busy", "the end")
        last, same = lines(slow, 1), lines(quick, 1)
        assert last == same, (last, same)


def followers_share_a_subscription(daemon):
    before = subscriptions(daemon)
    with streams(daemon, CLIENTS, "/v1/events?subject=resource.tenant.*") as all_of_them, \
            streams(daemon, 3, "/v1/events?subject=resource.tenant.*", {"Accept": "text/event-stream"}) as by_sse:
        assert subscriptions(daemon) - before == 2, "one for lines, one for server-sent events"
        for i in range(10):
            make(daemon, f"followed-{i}")
        first = lines(all_of_them[0], 10)
        assert [json.loads(line)["data"]["name"] for line in first] == [f"followed-{i}" for i in range(10)]
        for answer in all_of_them[1:]:
            assert lines(answer, 10) == first
        for answer in by_sse:
            assert datas(answer, 10) == first
        cursor = json.loads(first[6])["cursor"]
        with stream(daemon, f"/v1/events?subject=resource.tenant.*&after={cursor}") as resumed:
            assert lines(resumed, 3) == first[7:]
            assert subscriptions(daemon) - before == 2, "its place is still shared"


def parcels(answer, last):
    """Which there are up to the last, as "<tenant>/<name>", each as it came first."""
    found = []
    while last not in found:
        metadata = json.loads(lines(answer, 1)[0])["object"]["metadata"]
        found.append(f"{metadata['tenant']}/{metadata['name']}")
    return list(dict.fromkeys(found))


def a_tenant_gets_its_own(daemon):
    for name in ("mine", "theirs"):
        make(daemon, name)
    access = daemon.access(role="viewer", tenant="mine")
    host, port = access["url"].removeprefix("https://").rsplit(":", 1)
    client = http.client.HTTPSConnection(host, int(port), context=ssl.create_default_context(cafile=access["ca"]), timeout=60)
    client.request("GET", "/v1/parcels?watch=true", headers={"Authorization": f"Bearer {access['token']}"})
    watch = client.getresponse()
    assert watch.status == 200, watch.read()
    with stream(daemon, "/v1/parcels?watch=true") as everything, stream(daemon, f"{TENANTS}/theirs/parcels?watch=true") as theirs:
        for tenant, name in (("theirs", "p0"), ("mine", "p1"), ("theirs", "p2"), ("mine", "last"), ("theirs", "last")):
            daemon.post(f"{TENANTS}/{tenant}/parcels", {"metadata": {"name": name}, "spec": {}})
        assert parcels(watch, "mine/last") == ["mine/p1", "mine/last"]
        assert parcels(theirs, "theirs/last") == ["theirs/p0", "theirs/p2", "theirs/last"]
        assert parcels(everything, "theirs/last") == ["theirs/p0", "mine/p1", "theirs/p2", "mine/last", "theirs/last"]
    client.close()


def main():
    with folder() as path, Daemon(path, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        daemon.enable_plugin("courier")
        watchers_get_the_same(daemon)
        a_watcher_that_does_not_read_loses_nothing(daemon)
        followers_share_a_subscription(daemon)
        a_tenant_gets_its_own(daemon)


if __name__ == "__main__":
    main()
