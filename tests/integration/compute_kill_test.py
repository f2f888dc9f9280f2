"""The host ended by SIGKILL before and after every step of the compute controller: it converges to one guest or none.

    compute_kill_test.py                 every step of every verb
    compute_kill_test.py --verb create   of one verb
    compute_kill_test.py --short         the steps that cannot be undone
    compute_kill_test.py --list-steps    what there is, and ends
"""

import argparse
import re
import sys

from compute import PLUGINS, Site, machine
from harness import ROOT, ApiError, wait_until

# The steps that a verb goes through. A step that is not reached fails the test, and so does one that is in no verb.
VERBS = {
    "create": ["add-finalizer", "schedule", "bind", "publish", "read-guest", "acquire-claim", "start-guest", "write-status"],
    "pause": ["read-guest", "acquire-claim", "pause-guest", "write-status", "publish"],
    "resume": ["read-guest", "acquire-claim", "resume-guest", "write-status", "publish"],
    "stop": ["read-guest", "write-status", "publish", "acquire-claim", "stop-guest"],
    "start": ["read-guest", "write-status", "publish", "acquire-claim", "start-guest"],
    "delete": ["write-status", "publish", "acquire-claim", "delete-guest", "release-claim", "remove-finalizer"],
}
PHASE_AFTER = {"create": "RUNNING", "pause": "PAUSED", "resume": "RUNNING", "stop": "STOPPED", "start": "RUNNING"}
SHORT = {("create", "bind"), ("create", "start-guest"), ("stop", "stop-guest"), ("delete", "delete-guest"), ("delete", "release-claim")}


def all_steps():
    """The names in steps.h."""
    text = (ROOT / "plugins/compute/controller/steps.h").read_text()
    return re.findall(r'"([a-z-]+)"', re.search(r"kStepNames = \{(.*?)\};", text, re.S).group(1))


def bring_to(site, name, verb):
    """Puts a machine into the state in which the verb has something to do."""
    if verb == "create":
        return
    site.daemon.post(site.machines, machine(site, name, stop_grace_ns="0s"))
    site.wait_phase(name, "RUNNING")
    if verb in ("start", "resume"):
        site.daemon.post(f"{site.machines}/{name}:{'stop' if verb == 'start' else 'pause'}")
        site.wait_phase(name, "STOPPED" if verb == "start" else "PAUSED")


def act(site, name, verb):
    """Asks for the verb; the host may die while it answers."""
    try:
        if verb == "create":
            site.daemon.post(site.machines, machine(site, name, stop_grace_ns="0s"))
        elif verb == "delete":
            site.daemon.delete(f"{site.machines}/{name}")
        else:
            site.daemon.post(f"{site.machines}/{name}:{verb}")
    except (ApiError, OSError) as error:
        if isinstance(error, ApiError):
            raise


def arm(site, side, step):
    """Starts the host anew with a fail point. Machines that are there may lead it to that step at once."""
    site.daemon.kill()
    site.daemon.start(may_die=True, NOVACRON_COMPUTE_FAIL_POINT=f"{side}:{step}")
    try:
        for name in PLUGINS:
            site.daemon.wait_plugin(name, "ENABLED")
    except OSError:
        wait_until(lambda: not site.daemon.alive(), 5, "the host that answers no more has ended")


def one_case(site, number, verb, side, step):
    name = f"m{number}"
    bring_to(site, name, verb)
    arm(site, side, step)
    if site.daemon.alive():
        act(site, name, verb)
    wait_until(lambda: not site.daemon.alive(), 20, f"{verb} reaches {side}:{step}")
    site.daemon.start()
    if verb in ("create", "delete") or not reached_spec(site, name, verb):
        ask_again(site, name, verb)
    check(site, name, verb)


def reached_spec(site, name, verb):
    wanted = {"pause": "PAUSED", "stop": "STOPPED"}.get(verb, "RUNNING")
    return site.daemon.get(f"{site.machines}/{name}")["spec"]["power"] == wanted


def ask_again(site, name, verb):
    """What a client does that got no answer: repeats what is idempotent."""
    try:
        act(site, name, verb)
    except ApiError as error:
        assert error.status in (404, 409), error


def check(site, name, verb):
    if verb == "delete":
        site.wait_gone(name)
        assert site.libvirtd.domains() == [], site.libvirtd.domains()
        return
    site.wait_phase(name, PHASE_AFTER[verb])
    uid = site.daemon.get(f"{site.machines}/{name}")["metadata"]["uid"]
    assert site.libvirtd.domains() == [uid], (uid, site.libvirtd.domains())
    assert (site.libvirtd.virsh("domstate", uid).strip()
            == {"RUNNING": "running", "PAUSED": "paused", "STOPPED": "shut off"}[PHASE_AFTER[verb]])
    site.daemon.delete(f"{site.machines}/{name}")
    site.wait_gone(name)
    assert site.libvirtd.domains() == []


def check_effects(site):
    """With a fail point set, the controller reports what it changes outside a step, where no case of this test could kill it."""
    outside = [line for line in site.daemon.log.read_text().splitlines() if "effect outside a step" in line]
    assert not outside, outside


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verb", choices=VERBS)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--list-steps", action="store_true")
    options = parser.parse_args()
    covered = {step for steps in VERBS.values() for step in steps}
    assert covered == set(all_steps()), f"steps without a verb or unknown: {covered ^ set(all_steps())}"
    if options.list_steps:
        for verb, steps in VERBS.items():
            print(f"{verb}: {', '.join(steps)}")
        return 0
    cases = [(verb, side, step) for verb, steps in VERBS.items() for step in steps for side in ("before", "after")
             if options.verb in (None, verb) and (not options.short or (verb, step) in SHORT)]
    with Site() as site:
        for number, (verb, side, step) in enumerate(cases):
            print(f"{number + 1}/{len(cases)} {verb}: killed {side} {step}", flush=True)
            one_case(site, number, verb, side, step)
        check_effects(site)
    return 0


if __name__ == "__main__":
    sys.exit(main())
