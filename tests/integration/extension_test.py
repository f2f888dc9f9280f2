"""Routes that a plugin serves under /ext/<plugin>/, with a real plugin in the real daemon."""

import http.client
import json
import ssl
from urllib.parse import urlsplit

from harness import BUILD, ApiError, Daemon, folder


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
                            Cookie="secret=1", X_Custom="kept")
    text = raw.decode()
    assert status == 200 and text.startswith("POST /a%20b/c/?q=1&r=%2F of /ext/routes by user:admin\n"), text
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
                      disabled_it_is_unavailable):
            check(access, daemon)
            print(check.__name__.replace("_", " "))


if __name__ == "__main__":
    main()
    print("ok")
