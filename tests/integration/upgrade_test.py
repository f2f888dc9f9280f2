"""Hot upgrades and moves, through REST into a real host: no call is lost, and what fails is rolled back by itself."""

from harness import wait_until
from upgrades import TALLY, Clients, add, ask, begin, host, status, upgrade_of, wait_upgrade


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
            assert serves == "1.0.0" and number > 25, (way, number, serves)
            # Neither a look at it nor a restart of the host tries it again.
            daemon.patch(TALLY, {"metadata": {"labels": {"looked": "at"}}})
            daemon.stop()
            daemon.start()
            daemon.wait_plugin("tally", "ENABLED")
            assert ask(daemon)[1] == "1.0.0" and upgrade_of(daemon)["phase"] == "ROLLED_BACK", way


def main():
    versions_take_over_under_calls()
    a_plugin_moves_under_calls()
    a_broken_version_is_rolled_back_by_itself()


if __name__ == "__main__":
    main()
    print("ok")
