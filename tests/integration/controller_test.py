"""A kind whose controller is down: reads and writes work, its objects say so, and no longer once it is back."""

import json

from harness import BUILD, TENANT, Daemon, UnixConnection, folder, wait_until

BOOKS = f"{TENANT}/books"


def condition_of(book):
    found = [c for c in book.get("status", {}).get("conditions", []) if c["type"] == "ControllerUnavailable"]
    assert len(found) < 2, book
    return found[0] if found else None


def everything_says(daemon, words):
    """By name, in lists and in answers of writes; without words: nothing is said."""
    def right(book):
        condition = condition_of(book)
        if words is None:
            return condition is None
        return condition is not None and condition["state"] == "TRUE" and words in condition["message"]

    assert right(daemon.get(f"{BOOKS}/one")), daemon.get(f"{BOOKS}/one")
    assert all(map(right, daemon.get(BOOKS)["items"]))
    assert right(daemon.patch(f"{BOOKS}/one", {"metadata": {"labels": {"seen": str(words is None)}}}))


def set_enabled(daemon, enabled):
    daemon.post(f"/v1/plugins/ledger-old:{'enable' if enabled else 'disable'}")
    daemon.wait_plugin("ledger-old", "ENABLED" if enabled else "DISABLED")


def a_watch_says_it_too(daemon):
    connection = UnixConnection(daemon.socket, 20)
    revision = daemon.get(BOOKS)["revision"]
    connection.request("GET", f"{BOOKS}?watch=true&after_revision={revision}")
    stream = connection.getresponse()
    daemon.patch(f"{BOOKS}/one", {"spec": {"title": "watched"}})
    event = next(e for e in map(json.loads, stream) if e["type"] != "BOOKMARK")
    connection.close()
    assert event["type"] == "PUT" and condition_of(event["object"]), event


def nothing_of_it_is_stored(daemon):
    """What a client read and writes back is not taken for the status."""
    book = daemon.get(f"{BOOKS}/one")
    assert condition_of(book), book
    book["spec"]["title"] = "put back"
    daemon.call("PUT", f"{BOOKS}/one", book)


def main():
    with folder() as path, Daemon(path, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        daemon.enable_plugin("ledger-old")
        daemon.post(BOOKS, {"metadata": {"name": "one"}, "spec": {"title": "a", "chapters": [{"name": "x", "pages": 3}]}})
        daemon.call("POST", "/ext/ledger-old/retitle/one/b")
        everything_says(daemon, None)

        set_enabled(daemon, False)
        everything_says(daemon, "ledger-old acts on this kind and is not enabled")
        assert daemon.get(f"{BOOKS}/one")["status"]["total_pages"] == 3, "what the controller said last is still there"
        a_watch_says_it_too(daemon)
        assert condition_of(daemon.post(BOOKS, {"metadata": {"name": "two"}})), "it is created all the same"
        daemon.call("POST", f"{BOOKS}/two:shelve")
        daemon.delete(f"{BOOKS}/two")
        nothing_of_it_is_stored(daemon)
        shown = daemon.cli("describe", "books", "one").stdout
        assert "ControllerUnavailable" in shown, shown

        daemon.stop()
        daemon.start()
        # The host serves before it has looked at its plugins; until then it knows of none.
        known = lambda: "ledger-old" in (condition_of(daemon.get(f"{BOOKS}/one")) or {"message": ""})["message"]
        wait_until(known, 20, "the host knows its plugins again")
        everything_says(daemon, "ledger-old")
        set_enabled(daemon, True)
        everything_says(daemon, None)
        assert daemon.get(f"{BOOKS}/one")["status"] == {"total_pages": 3}

        daemon.delete("/v1/plugins/ledger-old")
        wait_until(lambda: "ledger-old" not in json.dumps(daemon.get("/v1/plugins")), 20, "the plugin is gone")
        everything_says(daemon, "no installed plugin acts on this kind")
        daemon.delete(f"{BOOKS}/one")


if __name__ == "__main__":
    main()
