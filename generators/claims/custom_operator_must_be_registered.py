# SPDX-License-Identifier: Apache-2.0
"""A custom operator must be registered in the process that loads a package with it.

requirement: OPS_1
source: S2 9.1
"""

import subprocess
import sys

import torch
from _programs import answer, package, words_of


@torch.library.custom_op("aoti_claims::shift_of_elsewhere", mutates_args=())
def shift(x: torch.Tensor, by: int) -> torch.Tensor:
    """An operator that the other process does not have."""
    return x + by


@shift.register_fake
def _(x: torch.Tensor, by: int) -> torch.Tensor:
    return torch.empty_like(x)


class Uses(torch.nn.Module):
    """A program that is this operator."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shifted."""
        return shift(x, 7)


ELSEWHERE = """
import sys, torch
step = "loading"
try:
    model = torch._inductor.aoti_load_package(sys.argv[1])
    step = "the first run"
    model(torch.ones(2, 3))
    print("works")
except Exception as error:
    print(step, "raises", type(error).__name__, *str(error).strip().splitlines()[:1])
"""
path = package(torch.export.export(Uses(), (torch.ones(2, 3),)))
try:
    done = subprocess.run([sys.executable, "-c", ELSEWHERE, path], capture_output=True, text=True, timeout=120)
except subprocess.TimeoutExpired as error:
    said = f"it hangs: {words_of(error)}"
else:
    said = done.stdout.strip().splitlines()[-1] if done.returncode == 0 and done.stdout.strip() else f"it ends with exit status {done.returncode}"
answer(said != "works", f"in a process without the operator: {said}")
