"""Starts the real daemon, and real engines, in a private folder and on free ports, for integration tests.

Every resource is a context manager: what a test started is gone when the test ends, however it ends.
"""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOVACRON_BUILD", ROOT / "build" / "release"))
TENANT = "/v1/tenants/default"


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the daemon's Unix socket: the local administrator."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class ApiError(Exception):
    """An answer with a status of 400 or more. `problem` is the decoded problem+json."""

    def __init__(self, status, problem):
        super().__init__(f"{status}: {problem}")
        self.status = status
        self.problem = problem


def wait_until(condition, timeout_s, what):
    """The first true value of condition(), asked again until timeout_s; fails with `what` and the last answer."""
    deadline = time.monotonic() + timeout_s
    last = None
    while time.monotonic() < deadline:
        last = condition()
        if last:
            return last
        time.sleep(0.05)
    raise AssertionError(f"not within {timeout_s} s: {what}; last seen: {last}")


@contextlib.contextmanager
def folder():
    """A private folder under /tmp with a short name (socket paths are limited to 107 bytes)."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="nc-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Daemon:
    """One novacrond with its data under `path`. start() may be called again after kill() or stop().

    `plugins`: further folders of packages; `arguments`: of the program, besides --config.
    """

    def __init__(self, path, settings="", plugins=(), arguments=()):
        self.path = pathlib.Path(path)
        self.data = self.path / "data"
        self.config = self.path / "novacrond.toml"
        self.log = self.path / "novacrond.log"
        self.process = None
        self.arguments = [str(argument) for argument in arguments]
        paths = json.dumps([str(BUILD / "lib" / "novacron" / "plugins"), *map(str, plugins)])
        self.config.write_text(
            f'data_folder = "{self.data}"\n'
            f'[api]\nlisten = ["127.0.0.1:0"]\nunix_socket = "{self.path}/api.sock"\n'
            f"[plugins]\npaths = {paths}\n" + settings
        )

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()
        if exc[0] is not None and self.log.exists():
            sys.stderr.write("".join(self.log.read_text(errors="replace").splitlines(keepends=True)[-80:]))

    @property
    def socket(self):
        return str(self.path / "api.sock")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def start(self, timeout_s=20, may_die=False, **environment):
        """`environment`: variables for this run of the daemon alone. `may_die`: a fail point may end it at once."""
        run_file = self.data / "run" / "api.json"
        run_file.unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BUILD / "bin" / "novacrond", "--config", self.config, *self.arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env=dict(os.environ, **environment)
            )
        wait_until(lambda: run_file.exists() or self.process.poll() is not None, timeout_s, "novacrond is ready")
        if not self.alive() and not may_die:
            raise AssertionError(f"novacrond ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")
        return self

    def stop(self, timeout_s=30):
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("novacrond did not end after SIGTERM")

    def kill(self):
        if self.alive():
            self.process.kill()
            self.process.wait()

    def call(self, method, path, body=None, headers=None, timeout_s=30):
        """One request over the Unix socket: (status, headers, decoded JSON or bytes). Raises ApiError from 400 on."""
        connection = UnixConnection(self.socket, timeout_s)
        try:
            head = {"Content-Type": "application/json"} if body is not None else {}
            head.update(headers or {})
            payload = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            connection.request(method, path, payload, head)
            answer = connection.getresponse()
            raw = answer.read()
            decoded = json.loads(raw) if "json" in answer.headers.get("Content-Type", "") and raw else raw
            if answer.status >= 400:
                raise ApiError(answer.status, decoded)
            return answer.status, dict(answer.headers), decoded
        finally:
            connection.close()

    def get(self, path):
        return self.call("GET", path)[2]

    def post(self, path, body=None, headers=None):
        return self.call("POST", path, {} if body is None else body, headers)[2]

    def patch(self, path, body):
        return self.call("PATCH", path, body, {"Content-Type": "application/merge-patch+json"})[2]

    def delete(self, path):
        return self.call("DELETE", path)[2]

    def access(self, role="admin", **more):
        """How a client from outside comes in: {"url", "ca", "token"}. `more`: of the token, such as its tenant."""
        facts = json.loads((self.data / "run" / "api.json").read_text())
        credential = next(word for word in self.log.read_text().split() if word.startswith("nc-") and len(word) == 67)
        token = self.post("/v1/auth/token", {"credential": credential, "ttl": "600s", "role": role, **more})["token"]
        return {"url": facts["urls"][0], "ca": facts["ca"], "token": token}

    def upload(self, file):
        """Stores a file as a blob; its digest."""
        answer = self.call("POST", "/v1/blobs", pathlib.Path(file).read_bytes(),
                           {"Content-Type": "application/octet-stream"}, timeout_s=60)[2]
        return answer["digest"]

    def enable_plugin(self, name, config=None, timeout_s=20):
        """Installs and enables a plugin and waits until it runs."""
        spec = {"enabled": True}
        if config is not None:
            spec["config_json"] = json.dumps(config)
        self.post("/v1/plugins", {"metadata": {"name": name}, "spec": spec})
        self.wait_plugin(name, "ENABLED", timeout_s)

    def wait_plugin(self, name, state, timeout_s=20):
        def reached():
            status = self.get(f"/v1/plugins/{name}").get("status", {})
            if status.get("state") in ("FAILED", "QUARANTINED") and state not in ("FAILED", "QUARANTINED"):
                raise AssertionError(f"plugin {name}: {status}")
            return status.get("state") == state

        wait_until(reached, timeout_s, f"plugin {name} is {state}")

    def cli(self, *arguments, timeout_s=60, check=True, stdin=None):
        """Runs the CLI against this daemon; the completed process."""
        home = self.path / "home"
        home.mkdir(exist_ok=True)
        environment = dict(os.environ, HOME=str(home), XDG_CACHE_HOME=str(home / "cache"),
                           XDG_CONFIG_HOME=str(home / "config"), NOVACRON_SOCKET=self.socket, NO_COLOR="1")
        done = subprocess.run([BUILD / "bin" / "novacron", *arguments], env=environment, timeout=timeout_s, text=True,
                              input=stdin if stdin is not None else "", capture_output=True)
        if check and done.returncode != 0:
            raise AssertionError(f"novacron {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done


def tls_get(url, path, ca, token=None):
    """One GET over TLS with certificate verification through curl: (status, body)."""
    command = ["curl", "-sS", "--cacert", str(ca), "-w", "\n%{http_code}", url + path]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    out = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    body, status = out.rsplit("\n", 1)
    return int(status), body


def b64(data):
    return base64.b64encode(data).decode()
