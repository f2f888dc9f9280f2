"""Every named limit of the host, met from outside: what is at the limit passes, what is beyond gets an error that says so."""

import base64
import http.client
import json
import resource
import socket

from harness import TENANT, ApiError, Daemon, folder, wait_until

KIB, MIB = 1024, 1024 * 1024
CONNECTIONS, WATCHERS = 4_000, 2_000


def refused(call, status, reason=None, path=None):
    """The problem that a call is answered with."""
    try:
        answer = call()
    except ApiError as error:
        assert error.status == status, (error.status, error.problem)
        if reason:
            assert error.problem["reason"] == reason, error.problem
        if path:
            assert path in [field["path"] for field in error.problem["fields"]], error.problem
        return error.problem
    raise AssertionError(f"taken: {str(answer)[:200]}")


def tenant(name, **metadata):
    return {"metadata": {"name": name, **metadata}}


def names_and_labels(daemon):
    daemon.post("/v1/tenants", tenant("n" * 63))
    refused(lambda: daemon.post("/v1/tenants", tenant("n" * 64)), 400, path="metadata.name")
    refused(lambda: daemon.post("/v1/tenants", tenant("Capital")), 400, path="metadata.name")
    longest = {"k" * 63: "v" * 63, "p" * 253 + "/" + "k" * 63: ""}
    daemon.post("/v1/tenants", tenant("labels", labels=longest))
    for labels in ({"k" * 64: ""}, {"p" * 254 + "/k": ""}, {"k": "v" * 64}):
        refused(lambda: daemon.post("/v1/tenants", tenant("no", labels=labels)), 400)


def sizes(daemon):
    big = lambda size: {"metadata": {"name": f"big{size}"}, "spec": {"config_json": "{" + " " * size + "}"}}
    daemon.post("/v1/plugins", big(255 * KIB))
    problem = refused(lambda: daemon.post("/v1/plugins", big(256 * KIB)), 413, "resource.too-large")
    assert str(256 * KIB) in problem["detail"], problem
    body = json.dumps(tenant("padded")).encode()
    daemon.post("/v1/tenants", body + b" " * (MIB - len(body)))
    problem = refused(lambda: daemon.post("/v1/tenants", body + b" " * (MIB + 1 - len(body))), 413)
    assert str(MIB) in problem["detail"], problem


def depth(daemon):
    nested = lambda levels: b'{"metadata":{"name":"deep"},"spec":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"
    at_limit = refused(lambda: daemon.post("/v1/tenants", nested(63)), 400)
    beyond = refused(lambda: daemon.post("/v1/tenants", nested(64)), 400)
    assert "64" not in at_limit["detail"] and "64" in beyond["detail"], (at_limit, beyond)


def pages(daemon):
    for i in range(1_001):
        daemon.post("/v1/tenants", tenant(f"page-{i}"))
    assert len(daemon.get("/v1/tenants")["items"]) == 500
    assert len(daemon.get("/v1/tenants?limit=1000")["items"]) == 1_000
    refused(lambda: daemon.get("/v1/tenants?limit=1001"), 400)


def user_data(daemon):
    """A field's own limit, in a contract that a plugin brings."""
    daemon.post("/v1/plugins", {"metadata": {"name": "scheduling-basic"}})
    daemon.post("/v1/plugins", {"metadata": {"name": "compute-controller"}})
    daemon.wait_plugin("compute-controller", "INSTALLED")
    machine = lambda size: {"metadata": {"name": f"u{size}"}, "spec": {"user_data": base64.b64encode(b"u" * size).decode()}}
    daemon.post(f"{TENANT}/virtualmachines", machine(64 * KIB))
    refused(lambda: daemon.post(f"{TENANT}/virtualmachines", machine(64 * KIB + 1)), 400, path="spec.user_data")


class Client:
    """A connection that asks for one thing and stays."""

    def __init__(self, daemon, target):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(daemon.socket)
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: host\r\n\r\n".encode())
        self.answer = http.client.HTTPResponse(self.socket)
        self.answer.begin()
        self.status = self.answer.status

    def problem(self):
        return json.loads(self.answer.read())

    def close(self):
        self.answer.close()
        self.socket.close()


def fill(daemon, target, at_most):
    """Opens connections until one is refused: (those that were served, the refused one's problem)."""
    served = []
    while len(served) <= at_most:
        client = Client(daemon, target)
        if client.status != 200:
            assert client.status == 503 and client.answer.headers["Retry-After"], client.status
            problem = client.problem()
            client.close()
            return served, problem
        served.append(client)
    raise AssertionError(f"more than {at_most} of {target} were served")


def serves_again(daemon, target, served):
    for client in served:
        client.close()

    def served_now():
        client = Client(daemon, target)
        client.close()
        return client.status == 200

    wait_until(served_now, 20, f"{target} is served again")


def connections(daemon):
    served, problem = fill(daemon, "/healthz", CONNECTIONS)
    assert len(served) == CONNECTIONS and problem["reason"] == "api.connections", (len(served), problem)
    serves_again(daemon, "/healthz", served)


def watchers(daemon):
    """The host's own parts watch too, so a few less are left for clients."""
    served, problem = fill(daemon, "/v1/tenants?watch=true", WATCHERS)
    assert len(served) > WATCHERS - 100 and problem["reason"].endswith(".watchers"), (len(served), problem)
    serves_again(daemon, "/v1/tenants?watch=true", served)


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (16_384, 16_384))
    with folder() as path, Daemon(path) as daemon:
        for check in (names_and_labels, sizes, depth, user_data, connections, watchers, pages):
            print(check.__name__, flush=True)
            check(daemon)


if __name__ == "__main__":
    main()
