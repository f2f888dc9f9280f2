"""Plugins that were compiled with each released SDK run on the host of today, and keep the contract by its validator."""

import json
import platform
import subprocess

from harness import BUILD, ROOT, Daemon, folder

KEPT = ROOT / "tests" / "fixtures" / "abi"


def runs_on_the_host(version, path):
    plugins = sorted(package.name for package in version.iterdir())
    assert plugins == ["hello", "hello-c"], plugins
    with Daemon(path, plugins=(version,)) as daemon:
        for plugin in plugins:
            daemon.enable_plugin(plugin)
            status = daemon.get(f"/v1/plugins/{plugin}")["status"]
            assert status["services"] == ["example.hello.v1.Greeter"] and not status.get("faults"), status
        for plugin in plugins:
            daemon.patch(f"/v1/plugins/{plugin}", {"spec": {"enabled": False}})
            daemon.wait_plugin(plugin, "DISABLED")


def keeps_the_contract(version):
    for package in sorted(version.iterdir()):
        done = subprocess.run([BUILD / "bin" / "novacron", "plugin", "validate", package, "--json"], capture_output=True, text=True,
                              timeout=120, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout + done.stderr
        report = json.loads(done.stdout)
        assert report["failed"] == 0 and report["skipped"] == 0 and report["passed"] > 25, report


if platform.machine() == "x86_64":
    versions = sorted(version for version in KEPT.iterdir() if version.is_dir())
    assert versions, "no plugin of any released SDK is kept"
    for kept in versions:
        with folder() as base:
            runs_on_the_host(kept, base)
        keeps_the_contract(kept)
    print("ok:", *(version.name for version in versions))
else:
    print("the kept plugins are of another machine")
