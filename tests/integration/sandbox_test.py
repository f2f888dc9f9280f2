"""Plugins in sandboxes, through REST into a real host: where a plugin runs is its object's to say and nobody's to see,
what kills one is told and healed, and what asks for more waits for a grant."""

import contextlib
import json
import os
import shutil
import signal

from harness import BUILD, ApiError, Daemon, folder, wait_until

FIXTURES = BUILD / "fixtures" / "plugins"
MANIFEST = {
    "version": "1.0.0", "vendor": "test", "summary": "A test", "license": "Apache-2.0", "abi": {"major": 1, "minor": 0},
    "library": "plugin.so", "contracts": "contracts.binpb", "services": ["bad.v1.Work"], "scope": "every-node",
    "placement": "sandboxed", "permissions": {"call": ["bad.v1.Work"], "publish": ["bad.>"], "subscribe": ["bad.>"]},
}
SETTINGS = "[sandbox]\nrestart_ms = 50\nmax_deaths = 3\n"


@contextlib.contextmanager
def host(settings=SETTINGS, plugins=()):
    with folder() as path:
        os.chmod(path, 0o755)  # the sandboxes' user is another
        catalog = path / "catalog"
        catalog.mkdir()
        daemon = Daemon(path, plugins=plugins)
        config = daemon.config.read_text()
        config = config.replace("[plugins]\npaths = [", f'[plugins]\npaths = ["{catalog}", ')
        daemon.config.write_text(f'{config}\n{settings}program = "{BUILD}/bin/novacron-sandbox"\n')
        with daemon:
            yield daemon


def package(daemon, name, library, **changes):
    target = daemon.path / "catalog" / name / changes.get("version", "1.0.0")
    target.mkdir(parents=True)
    shutil.copy(FIXTURES / f"{library}.so", target / "plugin.so")
    (target / "contracts.binpb").write_bytes(b"")
    (target / "plugin.json").write_text(json.dumps({"id": name, **MANIFEST, **changes}))


def status(daemon, name):
    return daemon.get(f"/v1/plugins/{name}").get("status", {})


def wait_status(daemon, name, said):
    return wait_until(lambda: said(status(daemon, name)) and status(daemon, name), 30, f"{name}: {status(daemon, name)}")


def sample(daemon, metric, plugin):
    _, _, body = daemon.call("GET", "/metrics")
    for line in body.decode().splitlines():
        if line.startswith(f'{metric}{{plugin="{plugin}"'):
            return float(line.rsplit(" ", 1)[1])
    return None


def children(daemon):
    """Processes of the sandboxes of this daemon."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            name, rest = open(f"/proc/{pid}/stat").read().rsplit(")", 1)
            if name.endswith("(novacron-sandbo") and int(rest.split()[1]) == daemon.process.pid:
                found.append(int(pid))
    return found


def first_party_runs_in_either_place(daemon):
    """A plugin of ours, moved by its object alone; what it is asked it answers as before."""
    name = "scheduling-basic"
    daemon.enable_plugin(name)
    assert wait_status(daemon, name, lambda s: s.get("state") == "ENABLED")["placement"] == "INLINE"
    daemon.patch(f"/v1/plugins/{name}", {"spec": {"placement": "SANDBOXED"}})
    moved = wait_status(daemon, name, lambda s: s.get("state") == "ENABLED" and s.get("placement") == "SANDBOXED")
    assert "seccomp" in moved["layers"] and "landlock" in moved["layers"], moved
    assert len(children(daemon)) == 1
    assert sample(daemon, "novacron_plugin_memory_bytes", name) > 0
    assert name in daemon.cli("plugin", "top").stdout
    daemon.patch(f"/v1/plugins/{name}", {"spec": {"placement": "INLINE"}})
    wait_status(daemon, name, lambda s: s.get("state") == "ENABLED" and s.get("placement") == "INLINE")
    wait_until(lambda: not children(daemon), 10, "its process is gone")


def killed_is_restarted_then_quarantined_then_revived(daemon):
    package(daemon, "bad-unavailable", "bad-unavailable")
    daemon.post("/v1/plugins", {"metadata": {"name": "bad-unavailable"}, "spec": {"enabled": True}})
    wait_status(daemon, "bad-unavailable", lambda s: s.get("state") == "ENABLED")
    for _ in range(2):
        (victim,) = children(daemon)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: children(daemon) not in ([], [victim]), 30, "another process")  # pylint: disable=cell-var-from-loop
        wait_status(daemon, "bad-unavailable", lambda s: s.get("state") == "ENABLED")
    os.kill(children(daemon)[0], signal.SIGKILL)
    dead = wait_status(daemon, "bad-unavailable", lambda s: s.get("state") == "QUARANTINED")
    assert dead["reason"] == "plugin.died" and "signal 9" in dead["message"], dead
    daemon.cli("plugin", "revive", "bad-unavailable")
    assert status(daemon, "bad-unavailable")["state"] == "ENABLED"
    daemon.delete("/v1/plugins/bad-unavailable")
    wait_until(lambda: not children(daemon), 10, "its process is gone")


def asking_for_more_waits_for_a_grant(daemon):
    package(daemon, "neighbour", "neighbour", services=["good.v1.Work"], permissions={"call": ["good.v1.Work"]})
    daemon.post("/v1/plugins", {"metadata": {"name": "neighbour"}, "spec": {"enabled": True, "version": "1.0.0"}})
    wait_status(daemon, "neighbour", lambda s: s.get("state") == "ENABLED")
    more = {"call": ["good.v1.Work"], "paths": ["ro:/etc"]}
    shutil.rmtree(daemon.path / "catalog" / "neighbour")
    package(daemon, "neighbour", "neighbour", services=["good.v1.Work"], permissions=more)
    daemon.patch("/v1/plugins/neighbour", {"spec": {"enabled": False}})
    waiting = wait_status(daemon, "neighbour", lambda s: s.get("reason") == "plugin.grant-needed")
    assert "paths ro:/etc" in waiting["message"], waiting
    daemon.patch("/v1/plugins/neighbour", {"spec": {"enabled": True, "granted": more}})
    granted = wait_status(daemon, "neighbour", lambda s: s.get("state") == "ENABLED")
    assert granted["granted"]["paths"] == ["ro:/etc"], granted


def unknown_placement_is_refused(daemon):
    try:
        daemon.patch("/v1/plugins/scheduling-basic", {"spec": {"placement": "ELSEWHERE"}})
        raise AssertionError("it was taken")
    except ApiError as refused:
        assert refused.status in (400, 422), refused


def required_layer_that_is_not_there_is_told():
    with host("[sandbox]\nrequired = [\"moat\"]\n") as daemon:
        package(daemon, "neighbour", "neighbour", services=["good.v1.Work"], permissions={"call": ["good.v1.Work"]})
        daemon.post("/v1/plugins", {"metadata": {"name": "neighbour"}, "spec": {"enabled": True}})
        refused = wait_status(daemon, "neighbour", lambda s: s.get("state") == "FAILED")
        assert refused["reason"] == "sandbox.layer" and "moat" in refused["message"], refused


def main():
    with host() as daemon:
        first_party_runs_in_either_place(daemon)
        killed_is_restarted_then_quarantined_then_revived(daemon)
        asking_for_more_waits_for_a_grant(daemon)
        unknown_placement_is_refused(daemon)
        survivors = children(daemon)
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in survivors), 10, "no process outlives the daemon")
    required_layer_that_is_not_there_is_told()


if __name__ == "__main__":
    main()
    print("ok")
