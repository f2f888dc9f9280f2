"""What the measurements share: repeats that alternate between us and the peer, medians with their spread, goals, a table.

A measurement is a function that gives a list of Figure. It raises CannotRun with what is missing.
"""

import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
REPEATS = 5


class CannotRun(Exception):
    """A peer, a package or a build is missing; says which."""


@dataclasses.dataclass
class Figure:
    """One line of the table. `ours` and `peer` are the values of the repeats.

    `goal` is a pair of what is compared and its bound: ("ratio", ">=", 3) of ours / peer, or ("ours", "<=", 300). None: there is
    no goal, it is told for its own sake.
    """

    what: str
    unit: str
    ours: list
    peer: list = dataclasses.field(default_factory=list)
    peer_name: str = ""
    goal: tuple = None

    @property
    def ratio(self):
        return statistics.median(self.ours) / statistics.median(self.peer) if self.peer and statistics.median(self.peer) else None

    @property
    def met(self):
        if self.goal is None:
            return True
        which, relation, bound = self.goal
        value = self.ratio if which == "ratio" else statistics.median(self.ours)
        return value is not None and (value >= bound if relation == ">=" else value <= bound)

    def goal_text(self):
        if self.goal is None:
            return ""
        which, relation, bound = self.goal
        return f"{'' if which == 'ours' else which + ' '}{relation} {bound:g}"

    def as_json(self):
        return {"what": self.what, "unit": self.unit, "ours": spread(self.ours), "peer": spread(self.peer) if self.peer else None,
                "peer_name": self.peer_name or None, "ratio": self.ratio, "goal": self.goal_text() or None, "met": self.met}


def spread(values):
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def short(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def spread_text(values):
    return f"{short(statistics.median(values))} ({short(min(values))}–{short(max(values))})" if values else ""


def alternate(repeats=REPEATS, **sides):
    """Runs each side in turn, the other way round every second time, so that none always has the warmer machine.

    The results of each, by its name.
    """
    results = {name: [] for name in sides}
    for repeat in range(repeats):
        for name in sorted(sides, reverse=repeat % 2 == 1):
            results[name].append(sides[name]())
    return results


def column(rows, key):
    return [row[key] for row in rows]


def json_lines(command, timeout_s=120, stdin=None):
    """The lines of JSON that a program prints."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout_s, input=stdin)
    if done.returncode != 0:
        raise CannotRun(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr.strip()[-1000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def build(*targets):
    done = subprocess.run([ROOT / "scripts" / "build", "release", *targets], capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotRun(f"the build failed: {done.stderr[-1000:]}")


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()[0]}


def table(figures):
    head = ("figure", "unit", "ours", "peer", "ratio", "goal", "")
    rows = [(f.what, f.unit, spread_text(f.ours), f"{spread_text(f.peer)} {f.peer_name}".strip(),
             "" if f.ratio is None else f"{f.ratio:.2f}", f.goal_text(), "" if f.goal is None else "met" if f.met else "MISSED")
            for f in figures]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [head, *rows])
