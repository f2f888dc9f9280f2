"""A plugin of many versions, asked through the HTTP API while they take over from each other.

Its fixture counts its calls and says the number of each: a call that is lost or comes twice shows in the numbers.
"""

import contextlib
import json
import os
import shutil
import threading

from harness import BUILD, ApiError, Daemon, UnixConnection, folder, wait_until

FIXTURES = BUILD / "fixtures" / "plugins"
WAYS = {"create-fails": 20, "start-fails": 21, "refuses-state": 22, "restore-fails": 23, "restore-hangs": 24,
        "dies-in-restore": 25, "errs": 26, "slow": 27, "dies-in-calls": 28, "unwell": 29, "lingers": 30,
        "quiesce-fails": 31, "quiesce-hangs": 32}
MANIFEST = {
    "id": "tally", "vendor": "test", "summary": "A test", "license": "Apache-2.0", "abi": {"major": 1, "minor": 0},
    "library": "plugin.so", "contracts": "contracts.binpb", "services": ["novacron.http.v1.Routes"],
    "scope": "every-node", "placement": "sandboxed", "permissions": {},
}
TALLY = "/v1/plugins/tally"


@contextlib.contextmanager
def host(**upgrade):
    """A daemon with a catalog of its own, and these settings of [upgrade]."""
    with folder() as path:
        os.chmod(path, 0o755)  # the sandboxes' user is another
        (path / "catalog").mkdir()
        settings = {"probation_ms": 0, "check_ms": 20, **upgrade}
        text = "[upgrade]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())
        daemon = Daemon(path, settings=f'{text}[sandbox]\nprogram = "{BUILD}/bin/novacron-sandbox"\n')
        config = daemon.config.read_text()
        daemon.config.write_text(config.replace("[plugins]\npaths = [", f'[plugins]\npaths = ["{path}/catalog", '))
        with daemon:
            yield daemon


def add(daemon, which, **changes):
    """Puts a version into the catalog, by its number or by what is wrong with it; the version."""
    version = f"{WAYS.get(which, which)}.0.0"
    target = daemon.path / "catalog" / "tally" / version
    target.mkdir(parents=True)
    shutil.copy(FIXTURES / f"tally-{which}.so", target / "plugin.so")
    (target / "contracts.binpb").write_bytes(b"")
    (target / "plugin.json").write_text(json.dumps({**MANIFEST, "version": version, **changes}))
    return version


def begin(daemon, which=1, **spec):
    version = add(daemon, which)
    daemon.post("/v1/plugins", {"metadata": {"name": "tally"}, "spec": {"enabled": True, "version": version, **spec}})
    daemon.wait_plugin("tally", "ENABLED")


def status(daemon):
    return daemon.get(TALLY).get("status", {})


def upgrade_of(daemon):
    return status(daemon).get("upgrade", {})


def wait_upgrade(daemon, version, phase="DONE", timeout_s=30):
    def there():
        upgrade = upgrade_of(daemon)
        return upgrade.get("to_version") == version and upgrade.get("phase") == phase and upgrade
    return wait_until(there, timeout_s, f"the upgrade to {version} is {phase}")


def ask(daemon, path="/add"):
    """(number, version)"""
    number, version = daemon.call("GET", f"/ext/tally{path}")[2].decode().split()
    return int(number), version


class Clients:
    """So many clients that add one after another, each over a connection of its own."""

    def __init__(self, daemon, count):
        self.daemon = daemon
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.numbers = []
        self.wrong = []
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self.end()

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self.threads), "a client hangs"

    def run(self):
        connection = UnixConnection(self.daemon.socket, 60)
        try:
            while not self.over.is_set():
                connection.request("GET", "/ext/tally/add")
                answer = connection.getresponse()
                body = answer.read().decode()
                with self.lock:
                    if answer.status == 200:
                        self.numbers.append(int(body.split()[0]))
                    else:
                        self.wrong.append(f"{answer.status} {body}")
        except Exception as error:  # pylint: disable=broad-exception-caught
            with self.lock:
                self.wrong.append(repr(error))
        finally:
            connection.close()

    def check(self, base=0):
        """Every call was answered, with a number that no other has, and none is left out."""
        assert not self.wrong, self.wrong[:5]
        assert sorted(self.numbers) == list(range(base + 1, base + 1 + len(self.numbers))), "numbers are lost or come twice"


def refused(call):
    """The problem that a call is answered with."""
    try:
        answer = call()
    except ApiError as error:
        return error.problem
    raise AssertionError(f"taken: {answer}")


def operation(daemon, verb, body, timeout_s=60):
    """Runs a verb of the plugin as an operation, to its end."""
    started = daemon.post(f"{TALLY}:{verb}", body)
    return ended(daemon, started["metadata"]["name"], timeout_s)


def ended(daemon, name, timeout_s=60):
    def there():
        now = daemon.get(f"/v1/tenants/default/operations/{name}")
        return now["status"].get("state") in ("SUCCEEDED", "FAILED", "CANCELLED") and now
    return wait_until(there, timeout_s, f"operation {name} has ended")
