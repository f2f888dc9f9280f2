"""Plugins that misuse memory or end their process, sandboxed in a real host: it outlives each, says of what the plugin
died and what it said last, calls to it end with an error that may be tried again, and the plugins beside it go on."""

import contextlib
import json
import shutil
import signal

from harness import BUILD, wait_until
from sandbox_test import children, host, status, wait_status

BROKEN = BUILD / "fixtures" / "validator"
DIED, ABSENT = "UNAVAILABLE plugin.died", "UNAVAILABLE plugin.no-provider"
SETTINGS = "[sandbox]\nrestart_ms = 2000\nrestart_longest_ms = 2000\n"
# How each dies, when it is called.
DEADLY = {
    "uses-freed": signal.SIGSEGV,
    "writes-wildly": signal.SIGSEGV,
    "overflows-stack": signal.SIGSEGV,
    "faults-in-thread": signal.SIGSEGV,
    "frees-twice": signal.SIGABRT,
    "aborts": signal.SIGABRT,
    "exits": None,
}
# What is lent to them is their process's own copy: they may get away with it, or die of it, alone.
HARMLESS = ("keeps-body", "reads-beyond", "writes-beyond", "writes-to-body", "releases-twice", "finishes-twice", "keeps-descriptors")


def put_package(daemon, sin):
    shutil.rmtree(daemon.path / "catalog" / "careless", ignore_errors=True)
    shutil.copytree(BROKEN / sin, daemon.path / "catalog" / "careless")


@contextlib.contextmanager
def enabled(daemon, sin):
    put_package(daemon, sin)
    daemon.post("/v1/plugins", {"metadata": {"name": "careless"}, "spec": {"enabled": True, "placement": "SANDBOXED"}})
    started = wait_status(daemon, "careless", lambda s: s.get("state") == "ENABLED")
    assert started["placement"] == "SANDBOXED" and "seccomp" in started["layers"], started
    yield
    daemon.delete("/v1/plugins/careless")
    wait_until(lambda: all(plugin["metadata"]["name"] != "careless" for plugin in daemon.get("/v1/plugins")["items"]), 30, "it is gone")
    wait_until(lambda: not children(daemon), 10, "its process too")


def work(daemon):
    """Calls it, by way of a plugin inside the host: how that ended."""
    return daemon.call("POST", "/ext/caller/work", b"\x0a\x05hello", {"Content-Type": "application/octet-stream"})[2].decode()


def deaths(daemon):
    query = "after=0&subject=plugin.died&limit=1000"
    told = daemon.call("GET", f"/v1/events?{query}", headers={"Accept": "application/cloudevents-batch+json"})[2]
    return [event for event in told if event["data"]["name"] == "careless"]


def its_end_is_told(daemon, sin, killer):
    before = len(deaths(daemon))
    assert (ended := work(daemon)) == DIED, (sin, ended)
    dead = wait_status(daemon, "careless", lambda s: s.get("state") == "FAILED")
    how = f"killed by signal {killer.value} " if killer else "exited with status 0"
    words = (f"{sin} comes to it", f"{sin} says so itself", "it is restarted in 2000 ms")
    assert dead["reason"] == "plugin.died" and how in dead["message"], (sin, dead)
    assert all(word in dead["message"] for word in words), (sin, dead)
    shown = daemon.cli("plugin", "info", "careless").stdout
    assert "plugin.died" in shown and how in shown, shown
    (death,) = deaths(daemon)[before:]
    told = death["data"]
    assert told.get("signal") == (killer.value if killer else None) and told.get("exit_status") == (None if killer else 0), death
    assert how in told["how"] and any(words[0] in line for line in told["last_lines"]), death
    assert death["subject"] == "novacron.core/Plugin/careless", death


def the_deadly_die_alone(daemon):
    for sin, killer in DEADLY.items():
        with enabled(daemon, sin):
            its_end_is_told(daemon, sin, killer)
            assert (ended := work(daemon)) in (DIED, ABSENT), (sin, ended)
            wait_status(daemon, "careless", lambda s: s.get("state") == "ENABLED")
            assert work(daemon) == DIED, "it is there again, and no better"
        print(sin, flush=True)


def the_others_harm_nobody(daemon):
    for sin in HARMLESS:
        with enabled(daemon, sin):
            for _ in range(3):
                assert (ended := work(daemon)) in ("OK", DIED, ABSENT), (sin, ended)
            assert status(daemon, "careless")["state"] in ("ENABLED", "FAILED"), sin
        print(sin, flush=True)


def main():
    with host(SETTINGS, plugins=[BUILD / "fixtures" / "sdk-plugins"]) as daemon:
        first = daemon.process.pid
        daemon.enable_plugin("caller")
        daemon.enable_plugin("scheduling-basic")
        with enabled(daemon, "nothing"):
            assert work(daemon) == "OK", "a sound one answers"
        the_deadly_die_alone(daemon)
        the_others_harm_nobody(daemon)
        assert daemon.alive() and daemon.process.pid == first
        assert daemon.get("/readyz")["status"] == "ready"
        for name in ("caller", "scheduling-basic"):
            assert status(daemon, name)["state"] == "ENABLED", name
        assert json.loads(daemon.cli("plugin", "list", "-o", "json").stdout), "and it serves"


if __name__ == "__main__":
    main()
    print("ok")
