# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: floor division of floats gives the next whole number where the quotient lies just below it.

usage: python float_floor_division_is_off_by_one.py      exit status 1 where it does, 0 where it does not; compiles for half a minute
"""

import tempfile

import torch


class Divide(torch.nn.Module):
    """a // b."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Rounds the quotient down."""
        return a // b


with tempfile.TemporaryDirectory() as folder:
    given = (torch.tensor([1.0, 0.5, 6.0]), torch.tensor([0.1, 0.1, 0.2]))
    program = torch.export.export(Divide(), given)
    model = torch._inductor.aoti_load_package(torch._inductor.aoti_compile_and_package(program, package_path=folder + "/model.pt2"))
    eager, package = Divide()(*given), model(*given)
    print(f"torch {torch.__version__}: 1 // 0.1, 0.5 // 0.1, 6 // 0.2: eager {eager.tolist()}, the package {package.tolist()}")
    raise SystemExit(0 if torch.equal(eager, package) else 1)
