# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: the smallest of positive uint8 and the largest of negative int8 come out as 0, from 16 of them on.

usage: python smallest_byte_is_zero.py      exit status 1 where they do, 0 where they do not; compiles for half a minute
"""

import tempfile

import torch


class Extremes(torch.nn.Module):
    """The smallest of x and the largest of y."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Reduces each to one number."""
        return x.min(), y.max()


with tempfile.TemporaryDirectory() as folder:
    given = (torch.arange(5, 25, dtype=torch.uint8), torch.arange(-25, -5, dtype=torch.int8))
    program = torch.export.export(Extremes(), given)
    model = torch._inductor.aoti_load_package(torch._inductor.aoti_compile_and_package(program, package_path=folder + "/model.pt2"))
    eager, package = [int(value) for value in Extremes()(*given)], [int(value) for value in model(*given)]
    print(f"torch {torch.__version__}: smallest of 5 to 24, largest of -25 to -6: eager {eager}, the package {package}")
    raise SystemExit(0 if eager == package else 1)
