"""Two versions of a contract, each with a plugin of its own: the same objects under other names, and nothing is lost."""

import json
from urllib.parse import quote

from harness import BUILD, TENANT, ApiError, Daemon, UnixConnection, folder, wait_until

BOOKS = f"{TENANT}/books"
V1, V2 = "/v1/contracts/test-ledger-v1", "/v1/contracts/test-ledger-v2"


def refused(call):
    """The problem that a call is answered with."""
    try:
        answer = call()
    except ApiError as error:
        return dict(error.problem, status=error.status)
    raise AssertionError(f"taken: {answer}")


def old(daemon, name="one"):
    return daemon.get(f"{BOOKS}/{name}?version=v1")


def new(daemon, name="one"):
    return daemon.get(f"{BOOKS}/{name}")


def remove_plugin(daemon, name):
    daemon.delete(f"/v1/plugins/{name}")
    wait_until(lambda: name not in [p["metadata"]["name"] for p in daemon.get("/v1/plugins")["items"]], 20, f"{name} is gone")


def objects_of_the_old_version_are_read_by_the_new_one(daemon):
    daemon.enable_plugin("ledger-new")
    spec = {"title": "a", "author": "ann", "chapters": [{"name": "x", "pages": 3, "subtitle": "s"}], "details": {"k": [1]}}
    daemon.post(BOOKS, {"metadata": {"name": "one"}, "spec": spec})
    daemon.call("POST", "/ext/ledger-new/retitle/one/b")
    daemon.enable_plugin("ledger-next")
    daemon.wait_plugin("ledger-new", "ENABLED")
    book = new(daemon)
    assert book["spec"] == {"name": "b", "parts": [{"label": "x", "pages": 3, "subtitle": "s"}], "details": {"k": [1]}}, book
    assert book["status"] == {"pages": 3, "printed_by": "the new press"}, book
    assert old(daemon)["spec"] == dict(spec, title="b") and old(daemon)["status"]["total_pages"] == 3
    assert old(daemon)["metadata"] == book["metadata"], "nothing was written for that"
    kind = next(k for k in daemon.get("/v1/kinds")["items"] if k["id"] == "test.ledger/Book")
    assert kind["versions"] == ["v2", "v1"] and {a["verb"] for a in kind["actions"]} == {"shelve", "lend"}, kind
    problem = refused(lambda: daemon.get(f"{BOOKS}/one?version=v3"))
    assert problem["status"] == 404 and problem["reason"] == "resource.unknown-version", problem


def a_writer_of_one_version_keeps_what_the_other_has(daemon):
    daemon.patch(f"{BOOKS}/one", {"spec": {"isbn": "7", "parts": [{"label": "x", "pages": 4, "words": 90, "subtitle": "s"}]}})
    book = old(daemon)
    assert book["spec"]["chapters"] == [{"name": "x", "pages": 4, "subtitle": "s"}] and book["spec"]["author"] == "ann", book
    assert "isbn" not in book["spec"]
    book["spec"]["title"] = "put"
    book["spec"]["chapters"][0]["pages"] = 5
    daemon.call("PUT", f"{BOOKS}/one?version=v1", book)
    spec = new(daemon)["spec"]
    assert spec["name"] == "put" and spec["isbn"] == "7" and spec["parts"][0] == {"label": "x", "pages": 5, "subtitle": "s", "words": 90}, spec
    answer = daemon.patch(f"{BOOKS}/one?version=v1", {"spec": {"title": "patched", "author": None}})
    assert answer["spec"]["title"] == "patched" and "author" not in answer["spec"], answer
    patch = [{"op": "test", "path": "/spec/chapters/0/pages", "value": 5}, {"op": "add", "path": "/spec/author", "value": "bob"}]
    daemon.call("PATCH", f"{BOOKS}/one?version=v1", patch, {"Content-Type": "application/json-patch+json"})
    daemon.call("PUT", f"{BOOKS}/one?version=v1&update_mask=spec.title", {"spec": {"title": "masked"}})
    assert new(daemon)["spec"]["isbn"] == "7" and new(daemon)["spec"]["parts"][0]["words"] == 90
    new_book = new(daemon)
    new_book["spec"]["name"] = "put anew"
    daemon.call("PUT", f"{BOOKS}/one", new_book)
    assert old(daemon)["spec"]["author"] == "bob" and old(daemon)["spec"]["title"] == "put anew"
    problem = refused(lambda: daemon.patch(f"{BOOKS}/one?version=v1", {"spec": {"name": "x"}}))
    assert problem["reason"] == "field.invalid" and "spec.name" in problem["detail"], problem
    made = daemon.post(f"{BOOKS}?version=v1", {"metadata": {"name": "two"}, "spec": {"title": "t"}})
    assert made["spec"] == {"title": "t"} and new(daemon, "two")["spec"] == {"name": "t", "isbn": "none"}, made


def applying_in_one_version_is_seen_in_the_other(daemon):
    apply = {"Content-Type": "application/apply-patch+json"}
    daemon.call("PATCH", f"{BOOKS}/three?version=v1&field_manager=one", {"spec": {"title": "t", "chapters": [{"name": "x", "pages": 1}]}}, apply)
    problem = refused(lambda: daemon.call("PATCH", f"{BOOKS}/three?version=v1&field_manager=one", {"spec": {"author": "ann"}}, apply))
    assert problem["status"] == 400 and problem["reason"] == "apply.version", problem
    problem = refused(lambda: daemon.call("PATCH", f"{BOOKS}/three?field_manager=two", {"spec": {"name": "u"}}, apply))
    assert problem["reason"] == "apply.conflict" and problem["fields"][0]["path"] == "spec.name", problem
    daemon.call("PATCH", f"{BOOKS}/three?field_manager=two", {"spec": {"parts": [{"label": "x", "words": 5}]}}, apply)
    daemon.call("PATCH", f"{BOOKS}/three?version=v1&field_manager=one", {"spec": {"title": "t", "chapters": [{"name": "x", "pages": 2}]}}, apply)
    assert new(daemon, "three")["spec"]["parts"] == [{"label": "x", "pages": 2, "words": 5}], new(daemon, "three")


def each_plugin_has_the_version_that_it_was_built_with(daemon):
    assert daemon.call("POST", "/ext/ledger-next/42/one")[2].decode() == "put anew"
    daemon.call("POST", "/ext/ledger-new/retitle/one/again")
    book = new(daemon)
    assert book["spec"]["isbn"] == "42" and book["spec"]["name"] == "again" and book["spec"]["parts"][0]["words"] == 91, book
    assert book["status"] == {"pages": 5, "printed_by": "the new press", "catalogued_by": "the next press"}, book
    answer = daemon.post(f"{BOOKS}/one:lend", {"to": "eve"})
    path = f"{TENANT}/operations/{answer['metadata']['name']}"
    wait_until(lambda: daemon.get(path).get("status", {}).get("state") == "SUCCEEDED", 20, "a method of the old version serves the kind")
    assert daemon.call("POST", f"{BOOKS}/one:shelve?version=v1", {})[2]["spec"]["title"] == "shelved"


def lists_and_watches_speak_both(daemon):
    found = daemon.get(f"{BOOKS}?version=v1&order_by=spec.title&fields=spec.title&field_selector=" + quote('spec.title != "t"'))
    assert found["items"] == [{"kind": "test.ledger/Book", "spec": {"title": "shelved"}}], found
    assert len(daemon.get(f"{BOOKS}?field_selector=" + quote('spec.name == "t"'))["items"]) == 2
    assert refused(lambda: daemon.get(f"{BOOKS}?field_selector=" + quote('spec.title == "t"')))["reason"] == "selector.invalid"
    assert refused(lambda: daemon.get(f"{BOOKS}?version=v9"))["reason"] == "resource.unknown-version"
    revision = daemon.get(BOOKS)["revision"]
    connection = UnixConnection(daemon.socket, 20)
    connection.request("GET", f"{BOOKS}?watch=true&version=v1&after_revision={revision}")
    stream = connection.getresponse()
    daemon.patch(f"{BOOKS}/two", {"spec": {"name": "seen"}})
    event = next(e for e in map(json.loads, stream) if e["type"] != "BOOKMARK")
    assert event["object"]["spec"] == {"title": "seen"}, event
    connection.close()
    parameters = daemon.get("/openapi.json")["paths"]["/v1/tenants/{tenant}/books"]["parameters"]
    assert next(p for p in parameters if p.get("name") == "version")["schema"]["enum"] == ["v2", "v1"], parameters


def the_old_version_goes_and_its_objects_stay(daemon):
    assert refused(lambda: daemon.delete(V1))["reason"] == "contract.in-use"
    remove_plugin(daemon, "ledger-new")
    daemon.delete(V1)
    assert refused(lambda: daemon.get(f"{BOOKS}/one?version=v1"))["reason"] == "resource.unknown-version"
    before = new(daemon)
    assert refused(lambda: daemon.delete(V2))["reason"] == "contract.in-use"
    daemon.kill()
    daemon.start()
    daemon.wait_plugin("ledger-next", "ENABLED")
    assert new(daemon)["spec"] == before["spec"]
    daemon.enable_plugin("ledger-new")
    assert old(daemon)["spec"]["author"] == "bob", "what only the old version knows was kept all the time"


def main():
    with folder() as path, Daemon(path, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        objects_of_the_old_version_are_read_by_the_new_one(daemon)
        a_writer_of_one_version_keeps_what_the_other_has(daemon)
        applying_in_one_version_is_seen_in_the_other(daemon)
        each_plugin_has_the_version_that_it_was_built_with(daemon)
        lists_and_watches_speak_both(daemon)
        the_old_version_goes_and_its_objects_stay(daemon)


if __name__ == "__main__":
    main()
