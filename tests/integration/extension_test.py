"""Routes that a plugin serves under /ext/<plugin>/, with a real plugin in the real daemon."""

import http.client
import json
import socket
import ssl
from urllib.parse import urlsplit

import node
from harness import BUILD, ApiError, Daemon, folder, wait_until


def answer(access, method, path, body=None, **headers):
    """(status, headers, body) of one request over TLS."""
    place = urlsplit(access["url"])
    connection = http.client.HTTPSConnection(place.hostname, place.port, timeout=20,
                                             context=ssl.create_default_context(cafile=access["ca"]))
    bearer = {"Authorization": f"Bearer {access['token']}"} if access.get("token") else {}
    connection.request(method, path, body, {**bearer, **{name.replace("_", "-"): value for name, value in headers.items()}})
    got = connection.getresponse()
    raw = got.read()
    connection.close()
    return got.status, got.headers, raw


def reason(got):
    return json.loads(got[2])["reason"]


def serves_nothing_before_it_is_there(access, daemon):
    missing = answer(access, "GET", "/ext/routes/")
    assert missing[0] == 404 and reason(missing) == "http.path", missing
    daemon.enable_plugin("routes")
    page = answer(access, "GET", "/ext/routes/")
    assert page[0] == 200 and page[2] == b"<h1>routes</h1>" and page[1]["Content-Type"] == "text/html", page
    assert answer(access, "GET", "/ext/routes")[2] == page[2]


def hands_over_what_was_asked(access, daemon):
    status, _, raw = answer(access, "POST", "/ext/routes/a%20b/c/?q=1&r=%2F", b"the body", Content_Type="text/plain",
                            Cookie="secret=1", X_Custom="kept", tracestate="vendor=1,other=2")
    text = raw.decode()
    assert status == 200 and text.startswith("POST /a%20b/c/?q=1&r=%2F of /ext/routes by user:admin\n"), text
    assert "tracestate: vendor=1,other=2" in text
    assert "X-Custom: kept" in text and text.endswith("\n\nthe body"), text
    assert "secret" not in text and access["token"] not in text, "credentials stay with the host"


def heads_have_no_body(access, daemon):
    status, headers, raw = answer(access, "HEAD", "/ext/routes/")
    assert (status, headers["Content-Length"], raw) == (200, "15", b"")


def status_and_size_are_the_plugins(access, daemon):
    assert answer(access, "PUT", "/ext/routes/created", b"{}")[0::2] == (201, b"made")
    large = answer(access, "GET", "/ext/routes/large")
    assert large[0] == 200 and len(large[2]) == 3 << 20
    assert answer(access, "GET", "/ext/routes/too-large")[0] >= 400


def a_bad_answer_is_not_passed_on(access, daemon):
    injected = answer(access, "GET", "/ext/routes/inject")
    assert injected[0] == 502 and "X-Injected" not in injected[1] and reason(injected) == "extension.malformed", injected
    assert reason(answer(access, "GET", "/ext/routes/status")) == "extension.malformed"
    assert "Set-Cookie" not in answer(access, "GET", "/ext/routes/cookie")[1]
    failed = answer(access, "GET", "/ext/routes/fails")
    assert failed[0] == 404 and reason(failed) == "routes.nothing", failed


def rights_are_the_hosts(access, daemon):
    assert answer({**access, "token": None}, "GET", "/ext/routes/")[0] == 401
    viewer = daemon.access(role="viewer")
    assert answer(viewer, "GET", "/ext/routes/")[0] == 200
    assert answer(viewer, "POST", "/ext/routes/x", b"")[0] == 403
    for path in ("/ext/routes/../v1", "/ext/routes/%2e%2e/x", "/ext/routes//x", "/ext/routes/a%00b"):
        assert answer(access, "GET", path)[0] == 400, path


STREAMED = 16 << 20


def open_connection(access):
    place = urlsplit(access["url"])
    return http.client.HTTPSConnection(place.hostname, place.port, timeout=20,
                                       context=ssl.create_default_context(cafile=access["ca"]))


def streams_come_as_the_plugin_writes_them(access, daemon):
    for path in ("whole", "sized"):
        got = answer(access, "GET", f"/ext/routes/stream/{path}")
        assert got[0] == 200 and len(got[2]) == STREAMED, (path, got[0], len(got[2]))
        assert ("Content-Length" in got[1]) == (path == "sized") and ("Transfer-Encoding" in got[1]) == (path == "whole"), got[1]
    try:
        answer(access, "GET", "/ext/routes/stream/cut")
        raise AssertionError("a body that ends before its time is noticed")
    except http.client.IncompleteRead as cut:
        assert len(cut.partial) == STREAMED
    assert reason(answer(access, "GET", "/ext/routes/stream/lie")) == "extension.malformed"
    assert answer(access, "HEAD", "/ext/routes/stream/whole")[0::2] == (200, b"")


def events_come_until_the_client_goes(access, daemon):
    connection = open_connection(access)
    connection.request("GET", "/ext/routes/stream/events", headers={"Authorization": f"Bearer {access['token']}"})
    events = connection.getresponse()
    assert events.headers["Content-Type"] == "text/event-stream"
    for number in range(5):
        assert (events.readline(), events.readline()) == (b"data: %d\n" % number, b"\n")
    connection.close()


def a_slow_client_holds_the_plugin_back(access, daemon):
    """The daemon must not take in what the client does not read: half of the stream would be more than all its buffers."""
    def resident():
        return int(next(line for line in open(f"/proc/{daemon.process.pid}/status") if line.startswith("VmRSS")).split()[1]) << 10

    before = resident()
    connections = [open_connection(access) for _ in range(8)]
    for connection in connections:
        connection.request("GET", "/ext/routes/stream/whole", headers={"Authorization": f"Bearer {access['token']}"})
        connection.response = connection.getresponse()
        connection.response.read(1)
    grown = resident() - before
    for connection in connections:
        connection.close()
    assert grown < 4 * STREAMED, f"{grown >> 20} MiB for {8 * STREAMED >> 20} that nobody reads"


def large_bodies_are_uploaded(access, daemon):
    body = bytes(range(256)) * (8 << 12)  # 8 MiB
    assert answer(access, "POST", "/ext/routes/count", body)[2] == b"%d %d" % (len(body), sum(body)), "with its length"
    pieces = (body[i:i + 100_000] for i in range(0, len(body), 100_000))
    assert answer(access, "PUT", "/ext/routes/count", pieces)[2] == b"%d %d" % (len(body), sum(body)), "in chunks"
    small = answer(access, "POST", "/ext/routes/small", iter([b"small"]))
    assert small[2].endswith(b"\n\nsmall"), "what fits is handed over whole"
    assert answer(daemon.access(role="viewer"), "POST", "/ext/routes/count", body[:2 << 20])[0] == 403


def an_upload_may_be_answered_early_or_broken_off(access, daemon):
    early = answer(access, "POST", "/ext/routes/early", bytes(2 << 20))
    assert early[0::2] == (403, b"not that"), early
    connection = open_connection(access)
    connection.putrequest("POST", "/ext/routes/count")
    connection.putheader("Authorization", f"Bearer {access['token']}")
    connection.putheader("Content-Length", str(4 << 20))
    connection.endheaders()
    connection.send(bytes(2 << 20))
    # An end that overtakes the request would take it away before anybody has seen it.
    wait_until(lambda: answer(access, "GET", "/ext/routes/uploading")[2] == b"1", 20, "the plugin has begun")
    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    wait_until(lambda: answer(access, "GET", "/ext/routes/cancelled")[2] != b"0", 20, "the plugin hears of it")


def websockets_are_the_plugins(access, daemon):
    node.script("talk.mjs", access)


def disabled_it_is_unavailable(access, daemon):
    daemon.patch("/v1/plugins/routes", {"spec": {"enabled": False}})
    daemon.wait_plugin("routes", "DISABLED")
    gone = answer(access, "GET", "/ext/routes/")
    assert gone[0] == 503 and "Retry-After" in gone[1], gone
    try:
        daemon.get("/ext/other/")
        raise AssertionError("there is no such plugin")
    except ApiError as missing:
        assert missing.status == 404


def main():
    with folder() as path, Daemon(path, plugins=[BUILD / "fixtures" / "sdk-plugins"]) as daemon:
        access = daemon.access()
        for check in (serves_nothing_before_it_is_there, hands_over_what_was_asked, heads_have_no_body,
                      status_and_size_are_the_plugins, a_bad_answer_is_not_passed_on, rights_are_the_hosts,
                      streams_come_as_the_plugin_writes_them, events_come_until_the_client_goes,
                      a_slow_client_holds_the_plugin_back, large_bodies_are_uploaded,
                      an_upload_may_be_answered_early_or_broken_off, websockets_are_the_plugins,
                      disabled_it_is_unavailable):
            check(access, daemon)
            print(check.__name__.replace("_", " "))


if __name__ == "__main__":
    main()
    print("ok")
