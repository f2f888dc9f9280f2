#!/usr/bin/env python3
"""scripts/bench compares medians, holds them against goals, and says by its exit code what came of it."""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import pathlib
import sys
import unittest
from unittest import mock

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]


def load():
    loader = importlib.machinery.SourceFileLoader("bench", str(ROOT / "scripts" / "bench"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
    loader.exec_module(module)
    return module


BENCH = load()
from measure import CannotRun, Figure, alternate, table  # noqa: E402  (its folder is known by now)


def run(measurement, *arguments):
    """The exit code, standard output and standard error of `scripts/bench fake` with such a measurement."""
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.dict(BENCH.MEASUREMENTS, {"fake": measurement}), mock.patch.object(sys, "argv", ["bench", *arguments]):
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = BENCH.main()
            except SystemExit as end:
                code = end.code
    return code, out.getvalue(), err.getvalue()


class Figures(unittest.TestCase):
    def test_the_ratio_is_of_the_medians_not_of_outliers(self):
        self.assertEqual(Figure("f", "1/s", [30, 31, 900], [10, 1, 10]).ratio, 3.1)

    def test_a_goal_may_be_a_bound_of_either_side(self):
        self.assertTrue(Figure("f", "1/s", [30], [10], "p", ("ratio", ">=", 3)).met)
        self.assertFalse(Figure("f", "1/s", [29], [10], "p", ("ratio", ">=", 3)).met)
        self.assertTrue(Figure("f", "ms", [300], goal=("ours", "<=", 300)).met)
        self.assertFalse(Figure("f", "ms", [301], goal=("ours", "<=", 300)).met)

    def test_a_ratio_without_a_peer_is_not_met(self):
        self.assertFalse(Figure("f", "1/s", [30], goal=("ratio", ">=", 3)).met)

    def test_repeats_alternate_and_turn_round(self):
        order = []
        results = alternate(3, a=lambda: order.append("a") or 1, b=lambda: order.append("b") or 2)
        self.assertEqual(order, ["a", "b", "b", "a", "a", "b"])
        self.assertEqual(results, {"a": [1, 1, 1], "b": [2, 2, 2]})

    def test_the_table_shows_spread_and_what_was_missed(self):
        text = table([Figure("puts", "1/s", [20, 10, 30], [10], "peer", ("ratio", ">=", 3))])
        self.assertIn("20 (10–30)", text)
        self.assertIn("2.00   ratio >= 3  MISSED", text)


class ExitCodes(unittest.TestCase):
    def test_0_when_every_goal_is_met(self):
        code, out, _ = run(lambda: [Figure("f", "ms", [1], goal=("ours", "<=", 2))], "fake")
        self.assertEqual(code, 0)
        self.assertIn("met", out)

    def test_1_when_one_is_missed_and_the_json_says_which(self):
        figures = [Figure("good", "ms", [1], [2], "p", ("ratio", "<=", 1)), Figure("bad", "ms", [3], goal=("ours", "<=", 2))]
        code, out, _ = run(lambda: figures, "fake", "--json")
        told = json.loads(out)
        self.assertEqual((code, told["met"], [f["met"] for f in told["figures"]]), (1, False, [True, False]))
        self.assertEqual(told["figures"][0]["ratio"], 0.5)
        self.assertEqual(told["figures"][1]["ours"], {"median": 3, "low": 3, "high": 3})

    def test_2_when_a_peer_is_missing_and_it_says_which(self):
        code, _, err = run(mock.Mock(side_effect=CannotRun("no etcd")), "fake")
        self.assertEqual(code, 2)
        self.assertIn("no etcd", err)

    def test_2_when_the_measurement_breaks(self):
        self.assertEqual(run(mock.Mock(side_effect=AssertionError("it did not start")), "fake")[0], 2)

    def test_2_for_a_name_that_there_is_not(self):
        self.assertEqual(run(lambda: [], "nothing")[0], 2)

    def test_the_list_names_every_measurement(self):
        code, out, _ = run(lambda: [], "--list")
        self.assertEqual(code, 0)
        for name in ("call", "state", "events", "rest", "start", "vm"):
            self.assertIn(name, out)


if __name__ == "__main__":
    unittest.main()
