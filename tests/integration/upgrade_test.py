"""Hot upgrades and moves, through REST into a real host: no call is lost, and what fails is rolled back by itself."""

from harness import wait_until
from upgrades import TALLY, Clients, add, ask, begin, ended, host, operation, status, upgrade_of, wait_upgrade


def versions_take_over_under_calls():
    with host() as daemon:
        begin(daemon)
        add(daemon, 2)
        ask(daemon)
        pipe = ask(daemon, "/pipe")[0]
        with Clients(daemon, 20) as clients:
            for version in ("2.0.0", "1.0.0", "2.0.0", "1.0.0"):
                daemon.patch(TALLY, {"spec": {"version": version}})
                upgrade = wait_upgrade(daemon, version)
                assert upgrade["carried_state"], upgrade
                before = len(clients.numbers)
                wait_until(lambda: len(clients.numbers) > before + 40, 30, "calls go on")  # pylint: disable=cell-var-from-loop
            clients.end()
            clients.check(base=1)
        assert ask(daemon, "/pipe") == (pipe, "1.0.0")
        assert status(daemon)["state"] == "ENABLED" and status(daemon)["version"] == "1.0.0"


def a_plugin_moves_under_calls():
    with host() as daemon:
        begin(daemon)
        with Clients(daemon, 8) as clients:
            for placement in ("INLINE", "SANDBOXED", "INLINE"):
                daemon.patch(TALLY, {"spec": {"placement": placement}})
                wait_until(lambda: upgrade_of(daemon).get("phase") == "DONE" and status(daemon)["placement"] == placement,  # pylint: disable=cell-var-from-loop
                           30, f"it is {placement}")
            clients.end()
            clients.check()


def a_broken_version_is_rolled_back_by_itself():
    for way, reason in (("create-fails", "plugin.create-failed"), ("restore-fails", "plugin.restore-failed"),
                        ("dies-in-restore", "plugin.restore-failed"), ("errs", "plugin.more-errors"),
                        ("slow", "plugin.slower"), ("unwell", "plugin.unhealthy"), ("dies-in-calls", "plugin.died")):
        with host(probation_ms=600000, min_calls=20) as daemon:
            begin(daemon)
            for _ in range(25):
                ask(daemon)
            version = add(daemon, way)
            with Clients(daemon, 4):
                daemon.patch(TALLY, {"spec": {"version": version}})
                upgrade = wait_upgrade(daemon, version, "ROLLED_BACK", timeout_s=60)
            assert upgrade["reason"] == reason, (way, upgrade)
            number, serves = ask(daemon)
            kept = way != "dies-in-calls"  # what is dead leaves nothing
            assert serves == "1.0.0" and (number > 25 or not kept), (way, number, serves)
            # Neither a look at it nor a restart of the host tries it again.
            daemon.patch(TALLY, {"metadata": {"labels": {"looked": "at"}}})
            daemon.stop()
            daemon.start()
            daemon.wait_plugin("tally", "ENABLED")
            assert ask(daemon)[1] == "1.0.0" and upgrade_of(daemon)["phase"] == "ROLLED_BACK", way


def operations_say_how_it_went():
    with host(probation_ms=300) as daemon:
        begin(daemon)
        add(daemon, 2)
        number = ask(daemon)[0]
        plan = daemon.call("POST", f"{TALLY}:upgrade?dry_run=true", {})[2]["plan"]
        assert [effect["action"] for effect in plan["effects"]].count("call") == 1, plan
        assert status(daemon)["version"] == "1.0.0"
        done = operation(daemon, "upgrade", {})
        assert done["status"]["state"] == "SUCCEEDED" and done["status"]["percent"] == 100, done
        reply = done["status"]["reply"]
        assert (reply["from_version"], reply["to_version"], reply["carried_state"]) == ("1.0.0", "2.0.0", True), reply
        assert daemon.get(TALLY)["spec"]["version"] == "2.0.0" and ask(daemon) == (number + 1, "2.0.0")
        daemon.cli("plugin", "move", "tally", "--placement", "inline")
        assert status(daemon)["placement"] == "INLINE"
        daemon.cli("plugin", "upgrade", "tally@1.0.0")
        assert ask(daemon) == (number + 2, "1.0.0")
        shown = daemon.cli("plugin", "info", "tally").stdout
        assert "DONE from 2.0.0 to 1.0.0" in shown, shown
        add(daemon, "create-fails")
        failed = daemon.cli("plugin", "upgrade", "tally@20.0.0", check=False)
        assert failed.returncode != 0 and "as told" in failed.stdout + failed.stderr, failed
        assert ask(daemon) == (number + 3, "1.0.0")
        nobody = operation(daemon, "upgrade", {"version": "77.0.0"})
        assert nobody["status"]["reason"] == "plugin.no-package", nobody
        log = daemon.cli("operation", "log").stdout
        assert "upgrade" in log, log
        told = [line for line in daemon.log.read_text().splitlines() if "phase=" in line]
        assert len(told) >= 12, told


def on_probation_nothing_else_is_begun():
    with host(probation_ms=600000) as daemon:
        begin(daemon)
        add(daemon, 2)
        add(daemon, 3)
        started = daemon.post(f"{TALLY}:upgrade", {"version": "2.0.0"})["metadata"]["name"]
        wait_upgrade(daemon, "2.0.0", "PROBATION")
        second = operation(daemon, "upgrade", {"version": "3.0.0"})
        assert second["status"]["reason"] == "plugin.in-probation", second
        daemon.patch(TALLY, {"spec": {"version": "3.0.0"}})  # waits for the end of the probation
        number, serves = ask(daemon)
        assert serves == "2.0.0"
        daemon.post(f"/v1/tenants/default/operations/{started}:cancel")
        stopped = ended(daemon, started)
        assert stopped["status"]["state"] == "CANCELLED", stopped
        wait_upgrade(daemon, "3.0.0", "PROBATION")
        assert ask(daemon) == (number + 1, "3.0.0")


def a_host_that_is_killed_in_a_phase_runs_the_version_before():
    with host(probation_ms=600000) as daemon:
        begin(daemon)
        add(daemon, "lingers")
        for phase in ("LOADING", "SWITCHING", "PROBATION"):
            started = daemon.post(f"{TALLY}:upgrade", {"version": "30.0.0"})["metadata"]["name"]
            wait_upgrade(daemon, "30.0.0", phase)
            daemon.kill()
            daemon.start()
            upgrade = wait_upgrade(daemon, "30.0.0", "ROLLED_BACK")
            assert upgrade["reason"] == "plugin.upgrade-interrupted", (phase, upgrade)
            daemon.wait_plugin("tally", "ENABLED")
            assert ask(daemon)[1] == "1.0.0", phase
            operation_ended = ended(daemon, started)
            assert operation_ended["status"]["reason"] == "plugin.upgrade-interrupted", operation_ended


def main():
    versions_take_over_under_calls()
    a_plugin_moves_under_calls()
    a_broken_version_is_rolled_back_by_itself()
    operations_say_how_it_went()
    on_probation_nothing_else_is_begun()
    a_host_that_is_killed_in_a_phase_runs_the_version_before()


if __name__ == "__main__":
    main()
    print("ok")
