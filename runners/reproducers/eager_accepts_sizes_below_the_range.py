# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: an exported program accepts one size below the minimum of a Dim where that minimum is 1 or 2, and where it
refuses a size it names the bound but not the size it was given.

usage: python eager_accepts_sizes_below_the_range.py      exit status 1 where either is so, 0 where neither is
"""

import sys

import torch


class Double(torch.nn.Module):
    """Needs no size at all."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Doubles x."""
        return x * 2


wrong = 0
for low in (1, 2, 3):
    rows = torch.export.Dim("rows", min=low, max=16)
    program = torch.export.export(Double(), (torch.ones(4, 3),), dynamic_shapes=({0: rows},)).module()
    for size in (low - 1, 17):
        try:
            program(torch.ones(size, 3))
            said = "accepted"
        except AssertionError as error:
            said = str(error).strip()
        wrong += said == "accepted" or str(size) not in said
        print(f"torch {torch.__version__}: {size} rows, exported for {low} to 16: {said}")
sys.exit(1 if wrong else 0)
