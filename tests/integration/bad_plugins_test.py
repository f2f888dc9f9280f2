"""Plugins that are really broken, through REST into a real host: it outlives each, their status says which and why, a
healthy plugin beside them goes on, and SIGTERM ends it in time whatever hangs."""

import base64
import contextlib
import json
import shutil
import signal
import subprocess
import time

from harness import BUILD, Daemon, folder, wait_until

FIXTURES = BUILD / "fixtures" / "plugins"
SETTINGS = "create_timeout_ms = 1500\nstart_timeout_ms = 1500\nstop_timeout_ms = 1000\nshutdown_ms = 15000\n"
MANIFEST = {
    "version": "1.0.0", "vendor": "test", "summary": "Broken", "license": "Apache-2.0", "abi": {"major": 1, "minor": 0},
    "library": "plugin.so", "contracts": "contracts.binpb", "services": ["bad.v1.Work"], "scope": "every-node",
    "placement": "inline",
    "permissions": {"call": ["bad.v1.Work"], "publish": ["bad.>"], "subscribe": ["bad.>"]},
}
MAX_HANGING = 8
WORST_SLOWDOWN = 20
NEIGHBOUR = {"services": ["good.v1.Work"], "permissions": {"call": ["good.v1.Work"], "publish": ["good.rate"]}}


@contextlib.contextmanager
def host(settings=SETTINGS):
    with folder() as path:
        catalog = path / "catalog"
        catalog.mkdir()
        daemon = Daemon(path)
        config = daemon.config.read_text()
        daemon.config.write_text(config.replace('[plugins]\npaths = [', f'[plugins]\n{settings}paths = ["{catalog}", '))
        with daemon:
            yield daemon


def package(daemon, name, library=None, contracts=b"", **changes):
    """A package in the catalog. Its library is a copy of one that may already be there."""
    target = daemon.path / "catalog" / name
    target.mkdir()
    shutil.copy(FIXTURES / f"{library or name}.so", target / "plugin.so")
    shutil.copy(FIXTURES / "libinnocent.so", target)
    (target / "contracts.binpb").write_bytes(contracts)
    (target / "plugin.json").write_text(json.dumps({"id": name, **MANIFEST, **changes}))


def install(daemon, name, **package_options):
    package(daemon, name, **package_options)
    daemon.post("/v1/plugins", {"metadata": {"name": name}, "spec": {"enabled": True}})


def status(daemon, name):
    return daemon.get(f"/v1/plugins/{name}").get("status", {})


def wait_status(daemon, name, said):
    return wait_until(lambda: said(status(daemon, name)) and status(daemon, name), 30, f"{name}; {status(daemon, name)}")


def wait_refused(daemon, name, state, reason, words):
    found = wait_status(daemon, name, lambda s: s.get("state") == state)
    assert found["reason"] == reason and words in found["message"], found
    shown = daemon.cli("plugin", "info", name).stdout
    assert reason in shown and words in shown, shown


def field(tag, content):
    """A length-delimited field of protobuf, shorter than 128 bytes; its number is below 16, or `tag` its encoded tag."""
    return (tag if isinstance(tag, bytes) else bytes([tag << 3 | 2])) + bytes([len(content)]) + content


def descriptor_set(*files):
    """A FileDescriptorSet of (name, package, import), by hand: what protoc would refuse to make."""
    version = field(8, field(b"\xb2\xf5\x18", field(1, b"1.0.0")))  # option (novacron.contract), which is 51030
    return b"".join(field(1, field(1, name) + field(2, package) + (field(3, imported) if imported else b"") + version
                          + field(12, b"proto3")) for name, package, imported in files)


CIRCULAR = descriptor_set((b"a.proto", b"a.v1", b"b.proto"), (b"b.proto", b"b.v1", b"a.proto"))
OTHER = descriptor_set((b"a.proto", b"a.v1", b""))


def refused_before_they_run(daemon):
    cases = [
        ("bad-no-entry", {}, "plugin.exports", "it exports nothing"),
        ("bad-protobuf", {}, "plugin.sandbox-only", "it needs libprotobuf"),
        ("bad-protobuf-behind", {}, "plugin.sandbox-only", "it needs libprotobuf"),
        ("bad-newer-minor", {}, "plugin.descriptor", "it cannot run on this host"),
        ("bad-cut-descriptor", {}, "plugin.descriptor", "its descriptor is cut short"),
        ("bad-null-services", {}, "plugin.descriptor", "no table of them"),
        ("bad-cancels", {"version": "1.0.1"}, "plugin.descriptor", "its version is 1.0.0"),
        ("bad-circular", {"requires": [{"contract": "nobody.v1", "version": ">=1.0.0"}]}, "plugin.requires", "nobody.v1"),
        ("bad-finishes-twice", {"contracts": b"no descriptor set"}, "contract.invalid", "no descriptor set"),
        ("bad-floods-bus-2", {"library": "bad-floods-bus", "contracts": CIRCULAR,
                              "provides": [{"contract": "a.v1", "version": "1.0.0"}]}, "contract.invalid", "imports are in a circle"),
        ("bad-destroy-hangs", {"contracts": OTHER}, "plugin.descriptor", "built with other contracts"),
        ("somebody-else", {"library": "bad-stale-ids"}, "plugin.descriptor", "its id is bad-stale-ids"),
        ("bad-create-fails", {}, "plugin.create-failed", "there is no engine to talk to"),
        ("bad-start-fails", {}, "plugin.start-failed", "the engine does not answer"),
        ("bad-throws-from-create", {}, "plugin.threw", "from create: boo"),
        ("bad-throws-from-start", {}, "plugin.threw", "from start: boo"),
    ]
    for name, options, _, _ in cases:
        install(daemon, name, **options)
    for name, _, reason, words in cases:
        wait_refused(daemon, name, "FAILED", reason, words)


def of_another_abi(daemon):
    install(daemon, "bad-floods-timers", abi={"major": 2, "minor": 0})
    found = wait_status(daemon, "bad-floods-timers", lambda s: s.get("state") == "FAILED")
    assert found["reason"] == "plugin.manifest" and "abi.major" in found["message"], found


def contracts_at_odds(daemon):
    """Two that require each other both work, since contracts outlive plugins; one that disagrees is refused."""
    for name in ("contract-agrees", "contract-circle", "contract-disagrees"):
        shutil.copytree(FIXTURES / "packages" / name, daemon.path / "catalog" / name)
        daemon.post("/v1/plugins", {"metadata": {"name": name}, "spec": {"enabled": True}})
        wait_status(daemon, name, lambda s: s.get("state") in ("ENABLED", "FAILED"))
    for name in ("contract-agrees", "contract-circle"):
        wait_status(daemon, name, lambda s: s.get("state") == "ENABLED")
    wait_refused(daemon, "contract-disagrees", "FAILED", "contract.incompatible", "Thing")


def misbehave_while_they_run(daemon):
    quarantined = {"bad-throws-from-invoke": "from invoke: boo", "bad-throws-from-done": "from a completion: boo",
                   "bad-throws-from-on-end": "from on_end: boo", "bad-floods-bus": "100000 buffers lent, 100000 released"}
    faults = {"bad-stale-ids": "plugin.stale-id", "bad-slow-fast": "plugin.fast-slow", "bad-floods-log": "plugin.log-flood",
              "bad-never-finishes": "plugin.no-answer"}
    for name in [*quarantined, *faults, "bad-unavailable", "bad-floods-state", "bad-leaks-descriptors"]:
        install(daemon, name)
    for name, words in quarantined.items():
        found = wait_status(daemon, name, lambda s: s.get("state") in ("QUARANTINED", "FAILED"))
        assert words in found["message"], found
    for name, reason in faults.items():
        found = wait_status(daemon, name, lambda s: any(f["reason"] == reason for f in s.get("faults", [])))
        assert found["state"] == "ENABLED", found
        assert reason in daemon.cli("plugin", "info", name).stdout
    found = wait_status(daemon, "bad-unavailable", lambda s: s.get("breakers"))
    assert found["breakers"][0]["service"] == "bad.v1.Work" and found["breakers"][0]["failures"] >= 5, found
    assert "plugin.breaker-open" in daemon.cli("plugin", "info", "bad-unavailable").stdout
    for name in ("bad-floods-state", "bad-leaks-descriptors"):
        assert status(daemon, name)["state"] == "ENABLED"


@contextlib.contextmanager
def plugin_events(daemon):
    """What is told of plugins from now on, as it comes."""
    url = "http://localhost/v1/events?subject=plugin.*"
    curl = subprocess.Popen(["curl", "-sSN", "--max-time", "40", "--unix-socket", daemon.socket, url],
                            stdout=subprocess.PIPE, text=True)
    try:
        yield (json.loads(line) for line in curl.stdout)
    finally:
        curl.kill()
        curl.wait()


def a_breaker_is_an_event(events):
    opened = (event for event in events if event["type"] == "plugin.breaker-open")
    assert any(b"bad-unavailable" in base64.b64decode(event["data_base64"]) for event in opened)


def calls_per_second(daemon):
    """How fast the healthy plugin is now, by its own measurement: the best of three."""
    url = "http://localhost/v1/events?subject=good.rate"
    curl = subprocess.Popen(["curl", "-sSN", "--max-time", "30", "--unix-socket", daemon.socket, url],
                            stdout=subprocess.PIPE, text=True)
    try:
        return max(json.loads(next(curl.stdout))["data"]["calls_per_second"] for _ in range(3))
    finally:
        curl.kill()
        curl.wait()


def neighbour_is_fast(daemon, alone):
    """Generous, since the machine may be busy; a neighbour that has to wait is far slower than that."""
    beside = calls_per_second(daemon)
    print(f"neighbour: {beside} calls/s beside them, {alone} alone")
    assert beside * WORST_SLOWDOWN > alone, (beside, alone)


def ready(daemon):
    return daemon.get("/readyz")


def hang(daemon, alone):
    assert ready(daemon)["status"] == "ready"
    install(daemon, "bad-blocks-workers")
    wait_status(daemon, "bad-blocks-workers", lambda s: s.get("breakers"))
    names = ["bad-create-hangs", "bad-start-hangs", "bad-entry-hangs"]
    for name in names:
        install(daemon, name)
    for name in names:
        wait_refused(daemon, name, "ABANDONED", "plugin.abandoned", "did not come back")
    assert ready(daemon)["status"] == "ready"
    for count in range(4, MAX_HANGING + 1):  # each copy of it loses one more
        daemon.patch("/v1/plugins/bad-create-hangs", {"spec": {"enabled": False}})
        daemon.wait_plugin("bad-create-hangs", "DISABLED")
        daemon.patch("/v1/plugins/bad-create-hangs", {"spec": {"enabled": True}})
        daemon.wait_plugin("bad-create-hangs", "ABANDONED")
        assert f"{count} of at most 8 threads" in json.dumps(ready(daemon)), ready(daemon)
    assert ready(daemon)["status"] == "degraded", ready(daemon)
    assert "degraded" in daemon.cli("status").stdout
    install(daemon, "bad-floods-timers-2", library="bad-floods-timers")
    wait_refused(daemon, "bad-floods-timers-2", "FAILED", "host.threads-abandoned", "hang in plugins")
    neighbour_is_fast(daemon, alone)


def end_in_time(daemon):
    begun = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(30) == 0
    assert time.monotonic() - begun < 20, "it has 15 s for its plugins, and no request waits"
    assert "stopped, without the threads that hang in plugins" in daemon.log.read_text()


def nothing_is_lost(daemon):
    for name in ("bad-create-hangs", "bad-start-hangs", "bad-entry-hangs", "bad-blocks-workers"):
        shutil.rmtree(daemon.path / "catalog" / name)
    daemon.start()
    assert daemon.get("/v1/tenants/default")["metadata"]["labels"] == {"kept": "yes"}
    assert ready(daemon)["status"] == "ready"
    daemon.stop()


def a_start_under_way_holds_nobody():
    with host("start_timeout_ms = 600000\nshutdown_ms = 500\n") as daemon:
        daemon.config.write_text(daemon.config.read_text().replace("[api]\n", "[api]\nshutdown_ms = 500\n"))
        daemon.stop()
        daemon.start()
        install(daemon, "bad-start-hangs")
        wait_status(daemon, "bad-start-hangs", lambda s: s.get("state") == "CONFIGURED")
        begun = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(30) == 0
        assert time.monotonic() - begun < 10
        assert "not stopped in time, the process leaves as it is" in daemon.log.read_text()


def main():
    with host() as daemon:
        daemon.patch("/v1/tenants/default", {"metadata": {"labels": {"kept": "yes"}}})
        install(daemon, "neighbour", **NEIGHBOUR)
        alone = calls_per_second(daemon)
        with plugin_events(daemon) as events:
            refused_before_they_run(daemon)
            of_another_abi(daemon)
            assert next(events)["type"].startswith("plugin."), "they come"
            contracts_at_odds(daemon)
            misbehave_while_they_run(daemon)
            neighbour_is_fast(daemon, alone)
            a_breaker_is_an_event(events)
        hang(daemon, alone)
        end_in_time(daemon)
        nothing_is_lost(daemon)
    a_start_under_way_holds_nobody()


if __name__ == "__main__":
    main()
    print("ok")
