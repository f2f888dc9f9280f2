"""`novacron plugin validate`: each test of the validator finds the plugin that breaks its rule, and all of ours pass."""

import concurrent.futures
import json
import subprocess
import xml.etree.ElementTree as ElementTree

from engines import Libvirtd
from harness import BUILD, folder

CLI = BUILD / "bin" / "novacron"
BROKEN = BUILD / "fixtures" / "validator"
TEMPLATES = BUILD / "sdk" / "template" / "plugins"
FIRST_PARTY = BUILD / "lib" / "novacron" / "plugins"
TEST_PLUGINS = BUILD / "lib" / "novacron" / "test-plugins"

AT_ONCE = 3
CALLS = {"calls.finish-once", "calls.cancel", "calls.deadline", "calls.threads", "host.slow", "host.closing"}
GUARDED = {"memory.borrowed", "memory.released", "calls.fuzz"}
# What each broken plugin fails, and nothing else.
FAILS = {
    "two-exports": {"elf.exports"},
    "needs-protobuf": {"elf.needed"},
    "soft": {"elf.hardening"},
    "no-unwind": {"elf.unwind"},
    "other-version": {"descriptor.manifest"},
    "other-method": {"descriptor.contracts"},
    "another-table": {"descriptor.table"},
    "start-fails": {"lifecycle.start"},
    "error-without-end": {"lifecycle.start", "calls.structs"},
    "thread-in-create": {"lifecycle.create"},
    "leaves-threads": {"lifecycle.leaves-nothing"},
    "leaves-descriptors": {"lifecycle.leaves-nothing"},
    "one-instance": {"lifecycle.double-create"},
    "trusts-configuration": {"lifecycle.bad-config"},
    "resume-fails": {"lifecycle.resume"},
    "restore-refuses": {"lifecycle.restore"},
    "trusts-state": {"lifecycle.restore-garbage"},
    "finishes-twice": CALLS,
    "refuses-and-finishes": CALLS,
    "forgets-cancelled": {"calls.cancel", "host.closing"},
    "forgets-late": {"calls.deadline"},
    "forgets-crowded": {"calls.threads", "host.closing"},
    "unknown-code": {"calls.structs"},
    "invents-ids": {"calls.ids"},
    "forgets-drop": {"calls.ids", "memory.growth"},
    "waits-in-fast": {"calls.waits"},
    "trusts-length": {"calls.fuzz"},
    "writes-to-body": GUARDED,
    "writes-beyond": GUARDED,
    "reads-beyond": GUARDED,
    "keeps-body": GUARDED,
    "releases-twice": {"memory.released"},
    "releases-never": {"memory.released"},
    "keeps-descriptors": {"memory.descriptors"},
    "leaks-memory": {"memory.growth"},
    "forgets-slow": {"host.slow"},
    "changes-umask": {"process.environment"},
    "changes-locale": {"process.environment"},
    "changes-environment": {"process.environment"},
}
# The same for the suites of capabilities, by what the configuration says.
SUITES = {
    "scheduler": {
        "": set(),
        "fails-empty": {"scheduler.empty"},
        "gives-no-reason": {"scheduler.reasons", "scheduler.room", "scheduler.wishes"},
        "ignores-room": {"scheduler.room"},
        "ignores-wishes": {"scheduler.wishes"},
        "changes-its-mind": {"scheduler.stable"},
        "scores-high": {"scheduler.scores"},
        "fails-large": {"scheduler.large"},
    },
    "driver": {
        "": set(),
        "describes-anew": {"driver.describe"},
        "absent-is-an-error": {"driver.absent", "driver.lifecycle"},
        "starts-once": {"driver.lifecycle", "driver.pause"},
        "declares-pause": {"driver.pause"},
        "ignores-fences": {"driver.fences"},
        "declares-stats": {"driver.stats"},
        "console-without-stream": {"driver.console"},
    },
}
# What a finding says of those that end their process, or are found by the page behind a buffer.
SAYS = {
    "aborts": "it ended the process by abort()",
    "exits": "it ended the process by exit(0)",
    "overflows-stack": "the stack of a thread overflowed",
    "frees-twice": "it ended the process by abort()",
    "uses-freed": "it died of SEGV at address",
    "writes-wildly": "it died of SEGV at address",
    "faults-in-thread": "it died of SEGV at address 0x8",
    "never-finishes": "was never finished",
    "hangs": "it did not come to an end within",
    "keeps-body": "the body of a message of",
    "reads-beyond": "was touched beyond its end",
    "writes-to-body": "was written to",
}


def validate(plugin, *arguments, status=None):
    command = [CLI, "plugin", "validate", plugin, "--json", *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL,
                          env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"})
    assert done.returncode in (0, 1) if status is None else done.returncode == status, (done.returncode, done.stderr, done.stdout)
    return json.loads(done.stdout) if done.returncode in (0, 1) else done.stderr


def failed(report):
    return {test["name"] for test in report["tests"] if test["verdict"] == "failed"}


def side_by_side(function, arguments):
    """Several at a time, for what mostly waits; the results, and the first failure, in their order."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(function, arguments))


def breaks_what_it_should(sin):
    report = validate(BROKEN / sin, status=1)
    assert failed(report) == FAILS[sin], (sin, report)
    for test in report["tests"]:
        for finding in test["findings"]:
            assert finding["what"] and finding["rule"] and finding["instead"], (sin, finding)


def each_rule_has_a_plugin_that_breaks_it(names):
    for sin in FAILS:  # one at a time: some of them misbehave only where there is room for it
        breaks_what_it_should(sin)
    found = set().union(*FAILS.values())
    assert found == names, f"no broken plugin for {sorted(names - found)}"


def each_rule_of_a_capability_too(path, names):
    for suite, sins in SUITES.items():
        found = set()
        for sin, expected in sins.items():
            config = path / "sin.json"
            config.write_text(json.dumps({"sin": sin}))
            arguments = ("--suite", suite, "--config", config) if sin else ("--config", config)
            report = validate(BROKEN / f"careless-{suite}", *arguments, status=1 if expected else 0)
            assert failed(report) == expected, (suite, sin, report)
            found |= expected
        assert found == names[suite], names[suite] - found


def says_what_it_was(sin):
    test = "memory.borrowed" if sin in FAILS else "calls.finish-once"
    report = validate(BROKEN / sin, "--test", test, "--timeout-s", "45" if sin == "never-finishes" else "5", status=1)
    said = [finding["what"] for finding in report["tests"][0]["findings"]]
    assert any(SAYS[sin] in what for what in said), (sin, report)


def what_ends_its_process_is_caught():
    side_by_side(says_what_it_was, SAYS)


def ours_pass(path):
    config = path / "kvm.json"
    with Libvirtd(path) as libvirtd:
        config.write_text(json.dumps({"libvirt_uri": libvirtd.uri, "data_folder": str(path / "kvm"), "accelerator": "ACCELERATOR_TCG"}))
        for plugin, arguments in ((TEMPLATES / "hello", ()), (TEMPLATES / "hello-c", ()), (BROKEN / "nothing", ()),
                                  (FIRST_PARTY / "compute-controller", ()), (FIRST_PARTY / "scheduling-basic", ()),
                                  (FIRST_PARTY / "kvm", ("--config", config)), (TEST_PLUGINS / "fake", ())):
            report = validate(plugin, *arguments)
            assert report["failed"] == 0 and report["skipped"] == 0, (plugin, report)


def a_seed_repeats_a_test(path):
    first = validate(BROKEN / "trusts-length", "--test", "calls.fuzz", status=1)
    again = first["tests"][0]["again"].split()
    assert again[:3] == ["novacron", "plugin", "validate"], again
    second = validate(again[3], *again[4:], status=1)
    assert second["seed"] == first["seed"]
    assert second["tests"][0]["findings"] == first["tests"][0]["findings"]
    here = validate(TEMPLATES / "hello", "--test", "calls.ids", "--in-process", status=0)
    assert here["passed"] == 1, here


def replay(plugin, trace, status):
    done = subprocess.run([CLI, "plugin", "replay", plugin, trace], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == status, (plugin, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def record(plugin, trace, *arguments):
    subprocess.run([CLI, "plugin", "validate", plugin, "--record", trace, "--seed", "11", *arguments], capture_output=True, timeout=60,
                   check=True, stdin=subprocess.DEVNULL)
    return trace.read_text().splitlines()


def a_run_is_replayed(path):
    trace = path / "trace"
    for plugin in (TEMPLATES / "hello", TEMPLATES / "hello-c", BROKEN / "nothing", FIRST_PARTY / "scheduling-basic"):
        lines = record(plugin, trace)
        assert f"{len(lines)} records, no difference" in replay(plugin, trace, 0)
    record(BROKEN / "nothing", trace)
    for other in ("unknown-code", "finishes-twice", "never-finishes"):
        said = replay(BROKEN / other, trace, 1)
        assert "differs" in said and "host.finish" in said, (other, said)
    assert '"code":99' in replay(BROKEN / "unknown-code", trace, 1)
    trace.write_text(trace.read_text() + "no record\n")
    assert "no record of a transcript" in replay(BROKEN / "nothing", trace, 2)


def a_trace_has_no_secrets(path):
    config = path / "secret.json"
    config.write_text(json.dumps({"password": "tr0ub4dor", "sin": "describes-anew"}))
    lines = record(BROKEN / "careless-driver", path / "secret", "--config", config)
    text = "\n".join(lines)
    assert "tr0ub4dor" not in text and b"tr0ub4dor".hex() not in text
    assert b"masked".hex() in lines[0] and b"describes-anew".hex() in lines[0], lines[0]
    assert "no difference" in replay(BROKEN / "careless-driver", path / "secret", 0)


def reports(path):
    junit = path / "report.xml"
    validate(BROKEN / "two-exports", "--junit", junit, status=1)
    suite = ElementTree.parse(junit).getroot()
    assert suite.get("failures") == "1" and int(suite.get("tests")) > 25, suite.attrib
    assert "exports" in suite.find("testcase/failure").get("message")
    text = subprocess.run([CLI, "plugin", "validate", BROKEN / "two-exports", "--test", "elf.exports"], capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL).stdout
    assert "one_too_many" in text and "instead: " in text and "again: " in text, text
    assert "No such file" in validate(path / "nowhere.so", status=2)
    assert "--list names them" in validate(BROKEN / "nothing", "--test", "no.such", status=2)


def listed():
    done = subprocess.run([CLI, "plugin", "validate", "--list"], capture_output=True, text=True, timeout=60, check=True,
                          stdin=subprocess.DEVNULL)
    return [line.split("\t") for line in done.stdout.splitlines()]


with folder() as base:
    tests = listed()
    each_rule_has_a_plugin_that_breaks_it({name for suite, name, _ in tests if suite == "core"})
    each_rule_of_a_capability_too(base, {of: {name for suite, name, _ in tests if suite == of} for of in SUITES})
    what_ends_its_process_is_caught()
    ours_pass(base)
    a_seed_repeats_a_test(base)
    reports(base)
    a_run_is_replayed(base)
    a_trace_has_no_secrets(base)
    print("ok")
