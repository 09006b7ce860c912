# SPDX-License-Identifier: Apache-2.0
"""The formula's torch twin gives the same numbers as its definition."""

from __future__ import annotations

import importlib.util
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from aoti_generate import formula
from aoti_generate.formula import ValueRange


@unittest.skipUnless(importlib.util.find_spec("torch"), "needs torch")
class FormulaInTorch(unittest.TestCase):
    def expect_same(self, dtype: str, values: ValueRange, shape: tuple[int, ...] = (7, 43)) -> None:
        import torch

        name = f"twin/{dtype}/{values}"
        made = formula.tensor(name, shape, getattr(torch, dtype), values)
        self.assertEqual((made.shape, str(made.dtype)), (shape, f"torch.{dtype}"))
        seed = formula.seed_of(name)
        expected = [formula.integer(seed, index, values) / 2**values.shift for index in range(made.numel())]
        self.assertEqual(made.flatten().to(torch.float64).tolist(), expected)

    def test_floating_dtypes_hold_the_dyadic_fractions_exactly(self) -> None:
        for dtype in ("float64", "float32", "float16", "bfloat16"):
            for values in (ValueRange(), ValueRange(-64, -1, 5), ValueRange(1, 64, 9), ValueRange(-3, 4, 0), ValueRange(5, 5, 3)):
                with self.subTest(dtype=dtype, values=values):
                    self.expect_same(dtype, values)

    def test_wide_ranges_are_exact_in_float64_and_int64(self) -> None:
        for values in (ValueRange(-(2**30), 2**30 - 1, 0), ValueRange(0, 2**31 - 1, 0), ValueRange(-(2**31), -1, 0), ValueRange(2**40, 2**40 + 9, 0)):
            for dtype in ("float64", "int64"):
                with self.subTest(dtype=dtype, values=values):
                    self.expect_same(dtype, values)

    def test_integer_dtypes_hold_the_integers(self) -> None:
        for dtype, values in (("int32", ValueRange(-(2**31), -(2**30), 0)), ("int16", ValueRange(-999, 999, 0)), ("int8", ValueRange(-128, 127, 0))):
            with self.subTest(dtype=dtype):
                self.expect_same(dtype, values)
        self.expect_same("uint8", ValueRange(0, 255, 0))
        self.expect_same("bool", ValueRange(0, 1, 0))

    def test_complex_elements_take_two_values_each(self) -> None:
        import torch

        for dtype, part in ((torch.complex64, torch.float32), (torch.complex128, torch.float64)):
            made = formula.tensor("twin", (3, 5), dtype, ValueRange())
            self.assertEqual(made.dtype, dtype)
            self.assertTrue(torch.equal(torch.view_as_real(made), formula.tensor("twin", (3, 5, 2), part, ValueRange())))

    def test_scalars_and_empty_tensors_have_their_shape(self) -> None:
        self.expect_same("float32", ValueRange(), ())
        self.expect_same("float32", ValueRange(), (3, 0, 2))


if __name__ == "__main__":
    unittest.main()
