"""What goes with what: objects after their owners, and deletions that others' references forbid, take along or survive."""

from harness import BUILD, TENANT, ApiError, Daemon, folder, wait_until

BOOKS = f"{TENANT}/books"


def refused(call):
    """The problem that a call is answered with."""
    try:
        answer = call()
    except ApiError as error:
        return dict(error.problem, status=error.status)
    raise AssertionError(f"taken: {answer}")


def names(daemon):
    return sorted(book["metadata"]["name"] for book in daemon.get(BOOKS)["items"])


def make(daemon, name, owners=(), **spec):
    owners = [{"kind": "test.ledger/Book", "name": o["metadata"]["name"], "uid": o["metadata"]["uid"]} for o in owners]
    return daemon.post(BOOKS, {"metadata": {"name": name, "owners": owners}, "spec": spec})


def becomes(daemon, wanted, what):
    wait_until(lambda: names(daemon) == wanted, 20, f"{what}: {wanted}")


def owned_objects_go_after_their_last_owner(daemon):
    first, second = make(daemon, "first"), make(daemon, "second")
    make(daemon, "grandchild", [make(daemon, "child", [first])])
    make(daemon, "shared", [first, second])
    daemon.delete(f"{BOOKS}/first")
    becomes(daemon, ["second", "shared"], "children and theirs are gone, a shared one stays")
    daemon.delete(f"{BOOKS}/second")
    becomes(daemon, [], "the last owner took it along")


def a_released_object_stays(daemon):
    owner = make(daemon, "owner")
    make(daemon, "free", [owner])
    daemon.patch(f"{BOOKS}/free", {"metadata": {"owners": None}})
    daemon.delete(f"{BOOKS}/owner")
    make(daemon, "last", [make(daemon, "late")])
    daemon.delete(f"{BOOKS}/late")
    becomes(daemon, ["free"], "what was released stays, though collection went on behind it")
    daemon.delete(f"{BOOKS}/free")


def collection_survives_a_kill(daemon):
    owner = make(daemon, "owner")
    for number in range(40):
        make(daemon, f"owned-{number}", [owner])
    daemon.delete(f"{BOOKS}/owner")
    daemon.kill()
    daemon.start()
    becomes(daemon, [], "the collection was taken up again")


def references_forbid_take_along_or_are_left(daemon):
    series = daemon.post(f"{TENANT}/series", {"metadata": {"name": "s"}, "spec": {}})
    make(daemon, "part", series="s")
    make(daemon, "copy", copy_of="part")
    make(daemon, "review", review_of="part")
    problem = refused(lambda: daemon.delete(f"{TENANT}/series/s"))
    assert problem["status"] == 409 and problem["reason"] == "resource.referenced" and "part" in problem["detail"], problem
    assert refused(lambda: make(daemon, "stray", series="none"))["reason"] == "field.invalid"
    daemon.delete(f"{BOOKS}/part")
    becomes(daemon, ["review"], "the copy went along, the review stays")
    assert daemon.get(f"{BOOKS}/review")["spec"]["review_of"] == "part"
    daemon.patch(f"{BOOKS}/review", {"metadata": {"labels": {"still": "writable"}}})
    daemon.delete(f"{TENANT}/series/s")
    assert series["metadata"]["uid"]


def main():
    with folder() as path, Daemon(path, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        daemon.enable_plugin("ledger-old")
        owned_objects_go_after_their_last_owner(daemon)
        a_released_object_stays(daemon)
        collection_survives_a_kill(daemon)
        references_forbid_take_along_or_are_left(daemon)


if __name__ == "__main__":
    main()
