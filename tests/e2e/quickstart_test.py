#!/usr/bin/env python3
"""scripts/quickstart shows a real guest, and leaves nothing behind: at its end, on an error, on Ctrl-C at any stage."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STAGES = ("2. Building", "3. Starting", "4. Installing", "5. Creating", "6. Its console", "Ctrl-C ends")
STAGE_TIMEOUT_S, END_TIMEOUT_S = 240, 60


class Quickstart:
    """One run, in a session of its own. Its output is kept."""

    def __init__(self, *arguments):
        self.output = ""
        self.process = subprocess.Popen([ROOT / "scripts/quickstart", *arguments], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        os.set_blocking(self.process.stdout.fileno(), False)

    def read(self):
        self.output += (self.process.stdout.read() or b"").decode(errors="replace")

    def wait_for(self, text):
        deadline = time.monotonic() + STAGE_TIMEOUT_S
        while text not in self.output:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.read()
                raise AssertionError(f"{text!r} did not come:\n{self.output}")
            time.sleep(0.05)
            self.read()

    def interrupt(self):
        """As a terminal does: to every process in front."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self, timeout_s=END_TIMEOUT_S):
        """The exit status; afterwards what it left behind is known."""
        deadline = time.monotonic() + timeout_s
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"it does not end:\n{self.output}")
            time.sleep(0.05)
            self.read()
        self.read()
        self.process.stdout.close()
        return self.process.returncode

    @property
    def folder(self):
        found = re.search(r"Starting a host in (\S+)", self.output)
        return found and pathlib.Path(found.group(1))


def left_behind(run):
    """Processes of the run, by session, command, or a mount below its folder, which also shows namespaces; and the folder."""
    left = []
    folder = str(run.folder or "no folder yet")
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            session = int((process / "stat").read_text().rsplit(")", 1)[1].split()[3])
            texts = [(process / name).read_text(errors="replace") for name in ("cmdline", "mountinfo")]
        except (OSError, ValueError):
            continue  # it has ended meanwhile
        if session == run.process.pid or any(folder in text for text in texts):
            left.append(f"{process.name}: {texts[0]}")
    if run.folder and run.folder.exists():
        left.append(folder)
    return left


class QuickstartTest(unittest.TestCase):
    def assert_ends(self, run, *statuses, timeout_s=END_TIMEOUT_S):
        self.assertIn(run.end(timeout_s), statuses, run.output)
        self.assertEqual(left_behind(run), [], run.output)

    def test_once_boots_a_guest_and_leaves_nothing(self):
        run = Quickstart("--once")
        self.assert_ends(run, 0, timeout_s=STAGE_TIMEOUT_S)
        self.assertRegex(run.output, r"novacron-guest ready uid=[0-9a-f-]{36}")
        self.assertIn("curl --cacert", run.output)

    def test_ctrl_c_at_every_stage_leaves_nothing(self):
        for stage in STAGES:
            with self.subTest(stage):
                run = Quickstart()
                run.wait_for(stage)
                run.interrupt()
                self.assert_ends(run, 130)

    def test_an_error_leaves_nothing(self):
        run = Quickstart()
        run.wait_for("6. Its console")
        facts = json.loads((run.folder / "data/run/api.json").read_text())
        os.kill(facts["pid"], signal.SIGKILL)
        self.assert_ends(run, 1, 6)  # its own, or that of the command that lost the host

    def test_a_second_run_at_the_same_time_says_so_and_disturbs_nothing(self):
        first = Quickstart()
        first.wait_for("3. Starting")
        second = Quickstart("--once")
        self.assert_ends(second, 1)
        self.assertIn("another quickstart runs in this checkout", second.output)
        first.wait_for("5. Creating")
        first.interrupt()
        self.assert_ends(first, 130)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("must be root: the quickstart makes namespaces")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell hands it on ignored
    unittest.main()
