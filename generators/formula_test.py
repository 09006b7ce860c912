# SPDX-License-Identifier: Apache-2.0
"""The formula by itself; formula_vectors.json is read by the C++ test of fixtures/formula.cc too. To add a vector: a line in that file."""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from aoti_generate import formula
from aoti_generate.formula import ValueRange

VECTORS = json.loads((Path(__file__).resolve().parent / "formula_vectors.json").read_text())


class Formula(unittest.TestCase):
    def test_known_vectors_are_reproduced(self) -> None:
        values = ValueRange(VECTORS["low"], VECTORS["high"], VECTORS["shift"])
        seed = formula.seed_of(VECTORS["name"])
        self.assertEqual(f"{seed:016x}", VECTORS["seed"])
        self.assertGreaterEqual(len(VECTORS["vectors"]), 9)
        for vector in VECTORS["vectors"]:
            self.assertEqual(formula.integer(seed, vector["index"], values), vector["integer"], vector)

    def test_every_integer_of_a_range_is_drawn_and_no_other(self) -> None:
        for values in (ValueRange(-64, -1, 0), ValueRange(0, 1, 0), ValueRange(7, 7, 0), ValueRange(-3, 4, 2)):
            drawn = {formula.integer(formula.seed_of("every"), index, values) for index in range(4096)}
            self.assertEqual(drawn, set(range(values.low, values.high + 1)), values)

    def test_the_widest_range_stays_inside(self) -> None:
        widest = ValueRange(-(2**30), 2**30 - 1, 0)
        drawn = [formula.integer(formula.seed_of("wide"), index, widest) for index in range(1000)]
        self.assertTrue(all(widest.low <= value <= widest.high for value in drawn))
        self.assertEqual(len(set(drawn)), 1000)

    def test_names_give_unrelated_streams(self) -> None:
        streams = {tuple(formula.integer(formula.seed_of(name), i, ValueRange()) for i in range(16)) for name in ("a", "b", "a/b", "b/a", "")}
        self.assertEqual(len(streams), 5)


if __name__ == "__main__":
    unittest.main()
