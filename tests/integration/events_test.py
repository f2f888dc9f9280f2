"""Events as CloudEvents, resumed behind a cursor: in one run, after a kill, and from too long ago; and whose they are."""

import contextlib
import http.client
import json
import ssl

import node
from harness import BUILD, TENANT, ApiError, Daemon, UnixConnection, folder

BATCH = {"Accept": "application/cloudevents-batch+json"}


def make_tenant(daemon, name):
    daemon.post("/v1/tenants", {"metadata": {"name": name}, "spec": {}})


@contextlib.contextmanager
def events(daemon, query, headers=None):
    """The events of a stream, as they come."""
    connection = UnixConnection(daemon.socket, 30)
    try:
        connection.request("GET", f"/v1/events?{query}", headers=headers or {})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        yield (json.loads(line) for line in answer)
    finally:
        connection.close()


def named(name):
    return lambda event: event.get("data", {}).get("name") == name


def batch(daemon, query):
    return daemon.call("GET", f"/v1/events?{query}", headers=BATCH)[2]


def one_run(daemon):
    make_tenant(daemon, "one")
    make_tenant(daemon, "two")
    with events(daemon, "after=0&subject=resource.tenant.*") as stream:
        first = next(filter(named("one"), stream))
    assert first["type"] == "resource.tenant.put" and first["subject"] == "novacron.core/Tenant/one", first
    assert first["source"] == "/v1" and first["specversion"] == "1.0" and first["datacontenttype"] == "application/json", first
    with events(daemon, f"after={first['cursor']}&subject=resource.tenant.*") as stream:
        assert named("two")(next(stream)), "nothing between, nothing twice"
    with events(daemon, "subject=resource.tenant.*", {"Last-Event-ID": first["cursor"]}) as stream:
        assert named("two")(next(stream)), "as browsers resume"
    return first


def a_kill_loses_nothing_of_the_state(daemon, first):
    daemon.kill()
    daemon.start()
    make_tenant(daemon, "three")
    with events(daemon, f"after={first['cursor']}&subject=resource.tenant.*") as stream:
        got = [next(stream), next(stream)]
    assert [event["data"]["name"] for event in got] == ["two", "three"], got
    assert got[0]["restarted"] is True and "restarted" not in got[1], got
    again = [event for event in batch(daemon, "after=0&subject=resource.tenant.*") if named("one")(event)]
    assert again[0]["id"] == first["id"] and again[0]["time"] == first["time"], (again, first)


def too_old(daemon):
    try:
        batch(daemon, "after=1-0-0")
        raise AssertionError("nobody has that any more")
    except ApiError as error:
        assert error.status == 410 and error.problem["reason"] == "bus.compacted", error.problem
        oldest = error.problem["oldest_cursor"]
    assert batch(daemon, f"after={oldest}"), "that one works"
    for wrong in ("x", "1-2", "01-2-3", "1-2-3-4", "-1-2-3"):
        try:
            batch(daemon, f"after={wrong}")
            raise AssertionError(wrong)
        except ApiError as error:
            assert error.status == 400 and error.problem["reason"] == "events.cursor", error.problem


def of_one_object_and_one_tenant(daemon):
    daemon.post(f"{TENANT}/parcels", {"metadata": {"name": "mine"}, "spec": {}})
    daemon.post("/v1/tenants/one/parcels", {"metadata": {"name": "mine"}, "spec": {}})
    both = batch(daemon, "after=0&object=test.parcels/Parcel/mine")
    assert sorted(event["tenant"] for event in both) == ["default", "one"], both
    only = batch(daemon, "after=0&object=test.parcels/Parcel/mine&tenant=one")
    assert [event["tenant"] for event in only] == ["one"], only
    assert len(batch(daemon, "after=0&limit=2")) == 2

    access = daemon.access(role="viewer", tenant="one")
    host, port = access["url"].removeprefix("https://").rsplit(":", 1)
    client = http.client.HTTPSConnection(host, int(port), context=ssl.create_default_context(cafile=access["ca"]), timeout=30)
    client.request("GET", "/v1/events?after=0", headers=dict(BATCH, Authorization=f"Bearer {access['token']}"))
    seen = json.loads(client.getresponse().read())
    assert seen and all(event["tenant"] == "one" for event in seen), seen
    client.request("GET", "/v1/events?after=0&tenant=default", headers=dict(BATCH, Authorization=f"Bearer {access['token']}"))
    answer = client.getresponse()
    assert answer.status == 403 and answer.read(), answer.status
    client.request("GET", "/v1/tasks?tenant=default", headers={"Authorization": f"Bearer {access['token']}"})
    answer = client.getresponse()
    assert answer.status == 403 and answer.read(), answer.status
    client.close()


def main():
    with folder() as path, Daemon(path, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        daemon.enable_plugin("courier")
        first = one_run(daemon)
        a_kill_loses_nothing_of_the_state(daemon, first)
        too_old(daemon)
        daemon.wait_plugin("courier", "ENABLED")
        of_one_object_and_one_tenant(daemon)
        node.script("cloudevents.mjs", daemon.access())
        assert "resource.tenant.put" in daemon.cli("events", "resource.tenant.*").stdout


if __name__ == "__main__":
    main()
