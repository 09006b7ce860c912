# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: the standard deviation of float32 numbers whose squares are beyond float32 is infinite, that of numbers whose
squares are below it is 0; eager PyTorch accumulates in double and gets both right.

usage: python spread_of_huge_numbers_is_infinite.py      exit status 1 where it is, 0 where it is not; compiles for half a minute
"""

import tempfile

import torch


class Spread(torch.nn.Module):
    """Standard deviation along the last dimension."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One number per row."""
        return torch.std(x, -1)


with tempfile.TemporaryDirectory() as folder:
    given = torch.tensor([[1e30], [1e-30]]) * torch.arange(1.0, 65.0)
    program = torch.export.export(Spread(), (given,))
    model = torch._inductor.aoti_load_package(torch._inductor.aoti_compile_and_package(program, package_path=folder + "/model.pt2"))
    eager, package = Spread()(given), model(given)
    print(f"torch {torch.__version__}: spread of 1e30 .. 64e30 and of 1e-30 .. 64e-30: eager {eager.tolist()}, the package {package.tolist()}")
    raise SystemExit(0 if torch.allclose(eager, package, rtol=1e-3, atol=0) else 1)
