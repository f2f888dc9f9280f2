"""Two plugins that are built with two minors of one contract: they call each other, and neither loses what the other wrote."""

import json
from urllib.parse import quote

from harness import BUILD, TENANT, ApiError, Daemon, folder, wait_until

BOOKS = f"{TENANT}/books"
COVER = {"@type": "type.googleapis.com/test.ledger.v1.BindReply", "cover": "abc"}
CONTRACT = "/v1/contracts/test-ledger-v1"


def refused(call):
    """The problem that a call is answered with."""
    try:
        answer = call()
    except ApiError as error:
        return dict(error.problem, status=error.status)
    raise AssertionError(f"taken: {answer}")


def ask(daemon, plugin, path):
    return daemon.call("POST", f"/ext/ledger-{plugin}{path}")[2].decode()


def version(daemon):
    return daemon.get(CONTRACT)["spec"]["version"]


def provided_by(daemon, *plugins):
    """The contract's own status says so, and has been written for the spec that it has."""
    def is_so():
        contract = daemon.get(CONTRACT)
        status = contract.get("status", {})
        return (status.get("providers", []) == list(plugins)
                and status.get("observed_generation") == contract["metadata"]["generation"])

    wait_until(is_so, 20, f"{CONTRACT} is provided by {plugins}")


def remove_plugin(daemon, name):
    daemon.delete(f"/v1/plugins/{name}")
    wait_until(lambda: name not in [p["metadata"]["name"] for p in daemon.get("/v1/plugins")["items"]], 20, f"{name} is gone")


def has_what_the_new_one_knows(book):
    spec = book["spec"]
    return (spec["author"], spec["notes"], spec["chapters"][0]["subtitle"]) == ("ann", {"shelf": "3"}, "in which it begins")


def the_old_one_alone(daemon):
    daemon.enable_plugin("ledger-old")
    assert version(daemon) == "1.0.0"
    provided_by(daemon, "ledger-old")
    problem = refused(lambda: daemon.post(BOOKS, {"metadata": {"name": "early"}, "spec": {"author": "ann"}}))
    assert problem["reason"] == "field.invalid" and "spec.author" in problem["detail"], problem
    daemon.post(BOOKS, {"metadata": {"name": "early"}, "spec": {"title": "old", "chapters": [{"name": "one", "pages": 7}]}})
    assert ask(daemon, "old", "/retitle/early/older") == "older"
    assert daemon.get(f"{BOOKS}/early")["status"] == {"total_pages": 7}


def the_new_one_beside_it(daemon):
    daemon.enable_plugin("ledger-new")
    assert version(daemon) == "1.1.0"
    daemon.wait_plugin("ledger-old", "ENABLED")
    provided_by(daemon, "ledger-new", "ledger-old")
    counts = json.loads(daemon.cli("status", "-o", "json").stdout)["kinds"]["contracts"]
    assert counts["pending"] == 0 and counts["ready"] > 0, counts
    assert daemon.get(f"{BOOKS}/early")["spec"]["title"] == "older"
    chapter = {"name": "one", "pages": 5, "subtitle": "in which it begins"}
    daemon.post(BOOKS, {"metadata": {"name": "late"}, "spec": {
        "title": "a", "author": "ann", "notes": {"shelf": "3"}, "chapters": [chapter], "copies": 0,
        "details": {"proofs": 1, "history": [None, {"by": "ann", "paid": 1.5}]}, "attachment": COVER}})


def both_write_what_the_other_wrote(daemon):
    ask(daemon, "new", "/retitle/late/b")
    assert daemon.get(f"{BOOKS}/late")["status"] == {"total_pages": 5, "printed_by": "the new press"}
    ask(daemon, "old", "/retitle/late/c")
    book = daemon.get(f"{BOOKS}/late")
    assert book["spec"]["title"] == "c" and has_what_the_new_one_knows(book), book
    assert book["status"] == {"total_pages": 5, "printed_by": "the new press"}, book


def they_call_each_other(daemon):
    ask(daemon, "new", "/proof/late/ledger-old")  # what the old one does not know passes through it
    book = daemon.get(f"{BOOKS}/late")
    assert book["spec"]["chapters"][0]["pages"] == 6 and has_what_the_new_one_knows(book), book
    ask(daemon, "old", "/proof/late/ledger-new")  # what the new one adds passes through the old one, into the object
    book = daemon.get(f"{BOOKS}/late")
    assert book["spec"]["chapters"][0] == {"name": "one", "pages": 7, "subtitle": "in which it begins"}, book
    assert book["spec"]["author"] == "proofed" and book["spec"]["notes"] == {"shelf": "3"}, book
    assert book["spec"]["details"] == {"proofs": 2, "history": [None, {"by": "ann", "paid": 1.5}]}, book
    assert book["spec"]["attachment"] == dict(COVER, cover="cba") and book["spec"]["copies"] == 1, book
    assert ask(daemon, "new", "/bind/leather/ledger-new") == "leather and gold"
    problem = refused(lambda: ask(daemon, "new", "/bind/leather/ledger-old"))
    assert problem["status"] == 501 and problem["reason"] == "plugin.no-such-method", problem
    assert "Bind" in problem["detail"], problem


def free_form_fields_by_rest_and_cli(daemon):
    """Struct, Any and a wrapper: one value each for masks and owners, members of their own for merge patches."""
    late = f"{BOOKS}/late"
    spec = daemon.patch(late, {"spec": {"details": {"proofs": None, "new": {"a": [1]}}}})["spec"]
    assert spec["details"] == {"history": [None, {"by": "ann", "paid": 1.5}], "new": {"a": [1]}}, spec
    refusals = [({"attachment": {"@type": "type.googleapis.com/no.such.Thing"}}, "spec.attachment.@type", "no installed contract"),
                ({"attachment": {"@type": None, "cover": "x"}}, "spec.attachment.@type", "is required"),
                ({"details": [1]}, "spec.details", "must be an object"),
                ({"details": {"big": 9007199254740993}}, 'spec.details["big"]', "exactly"),
                ({"details": {"deep": json.loads("[" * 50 + "]" * 50)}}, None, "nested too deep"),
                ({"copies": -1}, "spec.copies", "must be a whole number")]
    for change, path, words in refusals:
        problem = refused(lambda: daemon.patch(late, {"spec": change}))
        assert problem["status"] == 400 and words in problem["detail"] and (path is None or path in problem["detail"]), problem
    found = [b["metadata"]["name"] for b in daemon.get(f"{BOOKS}?field_selector=" + quote("spec.copies > 0"))["items"]]
    assert found == ["late"], found
    apply = {"Content-Type": "application/apply-patch+json"}
    daemon.call("PATCH", f"{late}?field_manager=one", {"spec": {"details": {"mine": 1}}}, apply)
    problem = refused(lambda: daemon.call("PATCH", f"{late}?field_manager=two", {"spec": {"details": {"other": 2}}}, apply))
    assert problem["reason"] == "apply.conflict" and problem["fields"][0]["path"] == "spec.details", problem
    assert daemon.get(late)["spec"]["details"] == {"mine": 1}, "a Struct is applied as a whole"
    answer = daemon.get(f"{late}?fields=spec.details,spec.copies")
    assert answer == {"kind": "test.ledger/Book", "spec": {"details": {"mine": 1}, "copies": 1}}, answer
    schema = daemon.get("/openapi.json")["components"]["schemas"]["test.ledger.v1.BookSpec"]["properties"]
    assert schema["details"] == {"type": "object", "additionalProperties": True} and schema["copies"]["type"] == "integer", schema
    assert "JSON object" in daemon.cli("explain", "books.spec.details").stdout
    daemon.cli("book", "create", "typed", "--details", '{"a":{"b":null}}', "--attachment", json.dumps(COVER), "--copies", "0")
    spec = daemon.get(f"{BOOKS}/typed")["spec"]
    assert spec == {"details": {"a": {"b": None}}, "attachment": COVER, "copies": 0}, spec
    wrong = daemon.cli("book", "create", "wrong", "--details", "[1]", check=False)
    assert wrong.returncode == 2 and "is no JSON object" in wrong.stderr, wrong
    daemon.delete(f"{BOOKS}/typed")


def one_that_disagrees_is_refused(daemon):
    """Its version is below the installed one, which alone is no reason to believe that it fits."""
    daemon.post("/v1/plugins", {"metadata": {"name": "ledger-odd"}, "spec": {"enabled": True}})
    status = wait_until(lambda: (s := daemon.get("/v1/plugins/ledger-odd").get("status", {})).get("reason") and s, 20, "it is looked at")
    assert status["reason"] == "contract.incompatible" and "Chapter.pages" in status["message"], status
    remove_plugin(daemon, "ledger-odd")
    assert version(daemon) == "1.1.0"


def the_old_one_without_the_new(daemon):
    remove_plugin(daemon, "ledger-new")
    daemon.stop()
    daemon.start()
    daemon.wait_plugin("ledger-old", "ENABLED")
    assert version(daemon) == "1.1.0", "objects may have what only the newer version knows"
    ask(daemon, "old", "/retitle/late/d")
    book = daemon.get(f"{BOOKS}/late")
    assert book["spec"]["author"] == "proofed" and book["status"]["printed_by"] == "the new press", book
    remove_plugin(daemon, "ledger-old")
    provided_by(daemon)
    assert refused(lambda: daemon.delete(CONTRACT))["reason"] == "contract.in-use"
    daemon.enable_plugin("ledger-old")
    assert version(daemon) == "1.1.0"
    for book in ("early", "late"):
        daemon.delete(f"{BOOKS}/{book}")
    remove_plugin(daemon, "ledger-old")
    daemon.delete(CONTRACT)
    daemon.enable_plugin("ledger-old")
    assert version(daemon) == "1.0.0", "with nothing left of it, it begins anew"


def main():
    with folder() as path, Daemon(path, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        the_old_one_alone(daemon)
        the_new_one_beside_it(daemon)
        both_write_what_the_other_wrote(daemon)
        they_call_each_other(daemon)
        free_form_fields_by_rest_and_cli(daemon)
        one_that_disagrees_is_refused(daemon)
        the_old_one_without_the_new(daemon)


if __name__ == "__main__":
    main()
