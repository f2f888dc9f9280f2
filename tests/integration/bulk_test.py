"""Changes of many objects by a selector: patches, named changes and actions, by REST and from the command line."""

import http.client
import json
import ssl
from urllib.parse import quote, urlsplit

from harness import BUILD, TENANT, ApiError, Daemon, folder, wait_until

BOOKS = f"{TENANT}/books"
MERGE = {"Content-Type": "application/merge-patch+json"}


def refused(call):
    """The problem that a call is answered with."""
    try:
        answer = call()
    except ApiError as error:
        return dict(error.problem, status=error.status)
    raise AssertionError(f"taken: {answer}")


def states(answer):
    return {item["name"]: item["state"] for item in answer["items"]}


def fill(daemon):
    for number in range(6):
        daemon.post(BOOKS, {"metadata": {"name": f"b{number}", "labels": {"shelf": "low" if number < 4 else "high"}},
                            "spec": {"title": f"t{number}", "chapters": [{"name": "one", "pages": number}]}})


def titles(daemon):
    return [book["spec"].get("title") for book in daemon.get(BOOKS)["items"]]


def patches(daemon):
    low = f"{BOOKS}?label_selector=" + quote("shelf=low")
    change = {"metadata": {"labels": {"seen": "yes"}}}
    assert refused(lambda: daemon.call("PATCH", BOOKS, change, MERGE))["reason"] == "resource.unselective"
    assert refused(lambda: daemon.call("PATCH", "/v1/books?all=true", change, MERGE))["status"] == 400
    tried = daemon.call("PATCH", low + "&dry_run=true", change, MERGE)[2]
    assert set(states(tried).values()) == {"CHANGED"} and "seen" not in daemon.get(f"{BOOKS}/b0")["metadata"]["labels"]
    first = daemon.call("PATCH", low + "&limit=3", change, MERGE)[2]
    assert states(first) == {"b0": "CHANGED", "b1": "CHANGED", "b2": "CHANGED"}, first
    second = daemon.call("PATCH", low + "&limit=3&page_token=" + quote(first["next_page_token"], safe=""), change, MERGE)[2]
    assert states(second) == {"b3": "CHANGED"} and second["next_page_token"] == "", second
    assert set(states(daemon.call("PATCH", low, change, MERGE)[2]).values()) == {"UNCHANGED"}
    test = [{"op": "test", "path": "/spec/title", "value": "t1"}, {"op": "replace", "path": "/spec/title", "value": "found"}]
    answer = daemon.call("PATCH", low, test, {"Content-Type": "application/json-patch+json"})[2]
    assert states(answer) == {"b0": "REFUSED", "b1": "CHANGED", "b2": "REFUSED", "b3": "REFUSED"}, answer
    assert {item.get("reason") for item in answer["items"]} == {"json.patch-test", None}, "one keeps none of the others"
    noted = daemon.get("/v1/tasks?outcome=REFUSED")["items"]
    assert {(task["name"], task["verb"], task["reason"]) for task in noted} == {
        (name, "update", "json.patch-test") for name in ("b0", "b2", "b3")}, noted
    assert titles(daemon) == ["t0", "found", "t2", "t3", "t4", "t5"]


def named_changes(daemon):
    answer = daemon.post(f"{BOOKS}:shelve?field_selector=" + quote('spec.title == "t5"'))
    assert states(answer) == {"b5": "CHANGED"} and answer["items"][0]["generation"] == 2, answer
    assert titles(daemon)[5] == "shelved"
    assert refused(lambda: daemon.post(f"{BOOKS}:burn?all=true"))["reason"] == "resource.unknown-verb"
    node = daemon.get("/v1/nodes")["items"][0]["metadata"]["name"]
    assert states(daemon.post("/v1/nodes:cordon?all=true")) == {node: "CHANGED"}
    wait_until(lambda: is_seen(daemon.get(f"/v1/nodes/{node}")), 20, "the node's host has seen that it is cordoned")
    daemon.post("/v1/nodes:uncordon?all=true")
    daemon.cli("node", "cordon", node)  # waits until the host has seen it
    daemon.cli("node", "uncordon", node)


def is_seen(node):
    return node["status"]["observed_generation"] == node["metadata"]["generation"]


def actions(daemon):
    daemon.patch(f"{BOOKS}/b0", {"spec": {"title": "rare"}})
    low = f"{BOOKS}:lend?label_selector=" + quote("shelf=low")
    key = {"Idempotency-Key": "lend-1"}
    answer = daemon.post(low, {"to": "ann"}, key)
    assert set(states(answer).values()) == {"STARTED"} and len(answer["items"]) == 4, answer
    again = daemon.post(low, {"to": "ann"}, key)
    assert [i["operation"] for i in again["items"]] == [i["operation"] for i in answer["items"]], "the same key starts nothing anew"
    ends = {}
    for item in answer["items"]:
        path = f"{TENANT}/operations/{item['operation']}"
        ended = wait_until(lambda: (o := daemon.get(path)).get("status", {}).get("ended_at") and o, 20, "the operation has ended")
        ends[item["name"]] = ended["status"]["state"]
    assert ends == {"b0": "FAILED", "b1": "SUCCEEDED", "b2": "SUCCEEDED", "b3": "SUCCEEDED"}, ends
    mismatch = daemon.post(low, {"to": "bob"}, key)
    assert {item["reason"] for item in mismatch["items"]} == {"resource.idempotency-mismatch"}, mismatch
    bad = daemon.post(low, {"too": "bob"})
    assert {item["reason"] for item in bad["items"]} == {"field.invalid"}, bad


def rights_are_those_of_each(daemon):
    """A viewer lists, but changes nothing."""
    access = daemon.access(role="viewer")
    place = urlsplit(access["url"])
    connection = http.client.HTTPSConnection(place.hostname, place.port, timeout=20,
                                             context=ssl.create_default_context(cafile=access["ca"]))
    connection.request("POST", f"{BOOKS}:shelve?all=true", b"{}", {"Authorization": f"Bearer {access['token']}", "Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert {item["code"] for item in answer["items"]} == {"PERMISSION_DENIED"}, answer


def command_line(daemon):
    done = daemon.cli("book", "shelve", "-l", "shelf=high")
    assert done.stdout == "books/b4 shelve: done\nbooks/b5 shelve: done\n", done
    done = daemon.cli("book", "lend", "-l", "shelf=low", "--to", "eve", check=False)
    assert done.returncode != 0 and "books/b1 lend: done" in done.stdout and "rare" in done.stderr, done
    done = daemon.cli("patch", "books", "--where", 'spec.title == "shelved"', "-p", "{spec: {title: out}}")
    assert done.stdout == "books/b4 changed\nbooks/b5 changed\n", done
    assert daemon.cli("book", "shelve", check=False).returncode == 2
    assert daemon.cli("book", "shelve", "-l", "shelf=none").stdout == "no books fit\n"


def main():
    with folder() as path, Daemon(path, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        daemon.enable_plugin("ledger-old")
        fill(daemon)
        patches(daemon)
        named_changes(daemon)
        actions(daemon)
        rights_are_those_of_each(daemon)
        command_line(daemon)


if __name__ == "__main__":
    main()
