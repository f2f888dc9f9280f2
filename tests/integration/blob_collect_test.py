"""Bytes go when no object has them any more, and no blob goes that an object has."""

from harness import BUILD, TENANT, ApiError, Daemon, folder, wait_until

BOOKS = f"{TENANT}/books"


def refused(call):
    """The problem that a call is answered with."""
    try:
        answer = call()
    except ApiError as error:
        return dict(error.problem, status=error.status)
    raise AssertionError(f"taken: {answer}")


def upload(daemon, content):
    return daemon.call("POST", "/v1/blobs", content, {"Content-Type": "application/octet-stream"})[2]


def has_bytes(daemon, blob):
    try:
        daemon.get(f"/v1/blobs/{blob['digest']}")
        return True
    except ApiError as error:
        assert error.status == 404, error
        return False


def sweep(daemon):
    """The daemon looks at its start."""
    daemon.stop()
    daemon.start()


def main():
    settings = "[blobs]\ngrace_ms = 1000\n"
    with folder() as path, Daemon(path, settings, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        daemon.enable_plugin("ledger-old")
        used, kept, left = (upload(daemon, content) for content in (b"used", b"kept", b"left"))
        daemon.post(BOOKS, {"metadata": {"name": "one"}, "spec": {"cover": used["digest"]}})
        daemon.post(BOOKS, {"metadata": {"name": "two"}, "spec": {"cover": used["digest"]}})

        problem = refused(lambda: daemon.delete(f"/v1/blobs/{used['name']}"))
        assert problem["status"] == 409 and problem["reason"] == "resource.referenced", problem
        assert "Book" in problem["detail"], problem
        daemon.delete(f"/v1/blobs/{left['name']}")
        assert has_bytes(daemon, left), "bytes are not removed at once"

        def swept(blob):
            sweep(daemon)
            return not has_bytes(daemon, blob)

        wait_until(lambda: swept(left), 30, "bytes that no object has are gone")
        assert has_bytes(daemon, used) and has_bytes(daemon, kept), "a book or a Blob has them"

        daemon.delete(f"{BOOKS}/one")
        assert refused(lambda: daemon.delete(f"/v1/blobs/{used['name']}"))["reason"] == "resource.referenced"
        daemon.patch(f"{BOOKS}/two", {"spec": {"cover": None}})
        daemon.delete(f"/v1/blobs/{used['name']}")
        wait_until(lambda: swept(used), 30, "what was used is gone too")
        assert has_bytes(daemon, kept)
        again = upload(daemon, b"left")
        assert again["digest"] == left["digest"] and has_bytes(daemon, again), "what went can come again"


if __name__ == "__main__":
    main()
