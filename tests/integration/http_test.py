"""HTTP/1.1 as others speak it: curl, Python's http.client, Node.js and wrk against the real daemon."""

import gzip
import http.client
import itertools
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from urllib.parse import urlsplit

import node
from harness import Daemon, UnixConnection, folder, wait_until


def curl(access, *arguments, path="/v1/tenants", check=True):
    """curl's standard output, over TLS and with a token."""
    command = ["curl", "-sS", "--http1.1", "--max-time", "20", "--cacert", access["ca"],
               "-H", f"Authorization: Bearer {access['token']}", *arguments, access["url"] + path]
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert not check or done.returncode == 0, done
    return done.stdout


def connect(access):
    place = urlsplit(access["url"])
    return http.client.HTTPSConnection(place.hostname, place.port, timeout=20,
                                       context=ssl.create_default_context(cafile=access["ca"]))


def curl_keeps_its_connection(access, daemon):
    two = curl(access, "-w", "%{num_connects} ", "-o", "/dev/null", "-o", "/dev/null", access["url"] + "/version").split()
    assert two == [b"1", b"0"], two


def curl_gets_what_it_asks_for_and_no_more(access, daemon):
    plain = curl(access, path="/openapi.json")
    zipped = curl(access, "-H", "Accept-Encoding: gzip", path="/openapi.json")
    assert len(zipped) * 3 < len(plain) and gzip.decompress(zipped) == plain
    assert curl(access, "--compressed", path="/openapi.json") == plain
    smaller = curl(access, "-H", "Accept-Encoding: zstd", path="/openapi.json")
    done = subprocess.run(["zstd", "-dcq"], input=smaller, capture_output=True, timeout=20, check=True)
    assert done.stdout == plain


def curl_writes_only_what_it_saw(access, daemon):
    made = daemon.call("POST", "/v1/tenants", {"metadata": {"name": "seen"}})
    assert made[0] == 201 and made[1]["Location"] == "/v1/tenants/seen", made
    tag = made[1]["ETag"]
    assert curl(access, "-o", "/dev/null", "-w", "%{http_code}", "-H", f"If-None-Match: {tag}", path="/v1/tenants/seen") == b"304"
    patch = ["-X", "PATCH", "-H", "Content-Type: application/merge-patch+json", "-H", f"If-Match: {tag}", "-d"]
    first = json.loads(curl(access, *patch, '{"spec":{"description":"mine"}}', path="/v1/tenants/seen"))
    lost = json.loads(curl(access, *patch, '{"spec":{"description":"yours"}}', path="/v1/tenants/seen"))
    assert lost["status"] == 412 and lost["current"]["revision"] == first["metadata"]["revision"], lost


def curl_uploads_with_expect_and_in_chunks(access, daemon):
    body = bytes(range(256)) * 8192  # curl asks for 100 Continue from 1 MiB on
    octets = ["-H", "Content-Type: application/octet-stream", "--data-binary", "@-"]
    command = ["curl", "-sS", "--unix-socket", daemon.socket, "http://localhost/v1/blobs", *octets]
    whole = json.loads(subprocess.run([*command, "-v", "-H", "Expect: 100-continue"], input=body, capture_output=True, timeout=30,
                                      check=True).stdout)
    chunked = json.loads(subprocess.run([*command, "-H", "Transfer-Encoding: chunked"], input=body, capture_output=True,
                                        timeout=30, check=True).stdout)
    assert whole["digest"] == chunked["digest"] and whole["size_bytes"] == len(body), (whole, chunked)
    assert curl(access, path="/v1/blobs/" + whole["digest"]) == body


def python_keeps_its_connection_through_refusals(access, daemon):
    connection = connect(access)
    bearer = {"Authorization": f"Bearer {access['token']}"}
    for path, status in [("/version", 200), ("/v1/nothing", 404), ("/v1/tenants/a%00b", 400), ("/version", 200)] * 5:
        connection.request("GET", path, headers=bearer)
        first = connection.sock
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status, (path, answer.status)
        assert connection.sock is first, "the connection was closed"
    connection.request("HEAD", "/openapi.json", headers=bearer)
    answer = connection.getresponse()
    assert int(answer.headers["Content-Length"]) > 10_000 and answer.read() == b""
    connection.close()


def python_sends_chunks(access, daemon):
    connection = connect(access)
    body = json.dumps({"metadata": {"name": "chunked"}}).encode()
    pieces = (body[i:i + 3] for i in range(0, len(body), 3))
    connection.request("POST", "/v1/tenants", pieces, {"Authorization": f"Bearer {access['token']}",
                                                       "Content-Type": "application/json"}, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    connection.close()


def request_ids_go_everywhere(access, daemon):
    connection = UnixConnection(daemon.socket, 20)
    connection.request("POST", "/v1/tenants", b'{"metadata":{"name":"tracked"}}',
                       {"Content-Type": "application/json", "X-Request-Id": "ticket-4711"})
    answer = connection.getresponse()
    assert answer.headers["X-Request-Id"] == "ticket-4711" and answer.status == 201, answer.read()
    connection.close()
    wait_until(lambda: "request=ticket-4711" in daemon.log.read_text(), 5, "the log names the request")


def what_is_slow_or_too_much_is_refused(access, daemon):
    much = curl(access, "-H", "X-Much: " + "a" * 20_000, "-o", "/dev/null", "-w", "%{http_code}")
    assert much == b"431", much
    file = daemon.path / "large.json"
    file.write_text(" " * 2_000_000)
    large = curl(access, "-H", "Content-Type: application/json", "--data-binary", f"@{file}", "-o", "/dev/null", "-w",
                 "%{http_code}", check=False)
    assert large == b"413", large


def a_client_that_drips_its_head_is_cut(access, daemon):
    """A byte a second is a sign of life, but a head has ten seconds in all."""
    place = urlsplit(access["url"])
    with socket.create_connection((place.hostname, place.port), timeout=20) as plain, \
            ssl.create_default_context(cafile=access["ca"]).wrap_socket(plain, server_hostname=place.hostname) as client:
        client.settimeout(1)
        answer, begun = b"", time.monotonic()
        drip = itertools.chain(b"GET /version HTTP/1.1\r\nX-Slow: ", itertools.repeat(ord("a")))
        while not answer and time.monotonic() - begun < 30:
            client.sendall(bytes([next(drip)]))
            try:
                answer = client.recv(4096)
            except TimeoutError:
                pass
        assert answer.startswith(b"HTTP/1.1 408 ") and b"http.timeout" in answer, answer


def a_repeated_request_is_done_once(access, daemon):
    def create(description):
        connection = connect(access)
        connection.request("POST", "/v1/tenants", json.dumps({"metadata": {"name": "once"}, "spec": {"description": description}}),
                           {"Authorization": f"Bearer {access['token']}", "Content-Type": "application/json",
                            "Idempotency-Key": "order-17"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return answer, body

    first, made = create("mine")
    again, same = create("mine")
    assert (first.status, again.status) == (201, 201) and same["metadata"]["uid"] == made["metadata"]["uid"]
    assert first.headers["Idempotency-Replayed"] is None and again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == "/v1/tenants/once" and again.headers["ETag"] == first.headers["ETag"]
    other, problem = create("yours")
    assert other.status == 422 and problem["reason"] == "resource.idempotency-mismatch", problem


def pages_of_other_origins_are_kept_out(access, daemon):
    foreign = ["-H", "Origin: https://evil.example", "-D", "-", "-o", "/dev/null"]
    plain = curl(access, *foreign).decode()
    asked = curl(access, *foreign, "-X", "OPTIONS", "-H", "Access-Control-Request-Method: POST").decode()
    assert plain.startswith("HTTP/1.1 200 ") and asked.startswith("HTTP/1.1 405 "), (plain, asked)
    assert "access-control" not in (plain + asked).lower()


def guessing_is_slowed_down(access, daemon):
    """Last: the place from which it is guessed has to wait."""
    connection = connect(access)
    for _ in range(6):
        connection.request("POST", "/v1/auth/token", json.dumps({"credential": "nc-guess"}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        problem = json.loads(answer.read())
    assert answer.status == 429 and problem["reason"] == "auth.too-many-failures", problem
    assert int(answer.headers["Retry-After"]) > 0


def node_speaks_it_all(access, daemon):
    node.script("http.mjs", access)


def wrk_sees_no_error(access, daemon):
    done = subprocess.run(["wrk", "-t", "1", "-c", "32", "-d", "2s", "-H", f"Authorization: Bearer {access['token']}",
                           access["url"] + "/v1/tenants"], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "Socket errors" not in done and "Non-2xx" not in done, done
    assert int(re.search(r"(\d+) requests in", done).group(1)) > 100, done


def a_flood_of_connections_leaves_the_others_alone(access, daemon):
    """Many clients that say nothing, and one that works meanwhile."""
    place = urlsplit(access["url"])
    silent = [http.client.HTTPConnection(place.hostname, place.port, timeout=20) for _ in range(300)]
    stuck = threading.Thread(target=lambda: [client.connect() for client in silent])
    stuck.start()
    for _ in range(20):
        assert curl(access, "-o", "/dev/null", "-w", "%{http_code}") == b"200"
    stuck.join()
    for client in silent:
        client.close()


def main():
    with folder() as path, Daemon(path, '[log]\nlevel = "debug"\n') as daemon:
        access = daemon.access()
        for check in (curl_keeps_its_connection, curl_gets_what_it_asks_for_and_no_more, curl_writes_only_what_it_saw,
                      curl_uploads_with_expect_and_in_chunks, python_keeps_its_connection_through_refusals, python_sends_chunks,
                      request_ids_go_everywhere, what_is_slow_or_too_much_is_refused, node_speaks_it_all, wrk_sees_no_error,
                      a_flood_of_connections_leaves_the_others_alone, a_client_that_drips_its_head_is_cut,
                      a_repeated_request_is_done_once, pages_of_other_origins_are_kept_out, guessing_is_slowed_down):
            check(access, daemon)
            print(check.__name__.replace("_", " "))


if __name__ == "__main__":
    main()
    print("ok")
