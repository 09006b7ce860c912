# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: with runtime constant folding, a buffer that was folded, freed and is filled again ends the process.

usage: python freed_folded_buffer_crashes_when_filled.py      exit status 1 where the process crashes, 0 where it does not; compiles for half a minute
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch

CHILD = """
import sys, torch
runner, x, weight = torch._C._aoti.AOTIModelContainerRunnerCpu(sys.argv[1], 1), torch.randn(3, 16), torch.randn(12, 16)
runner.update_constant_buffer({"weight": weight}, True, True, False)
runner.swap_constant_buffer()
runner.run([x])  # folds the new buffer
runner.swap_constant_buffer()
runner.free_inactive_constant_buffer()
runner.update_constant_buffer({"weight": weight}, True, True, False)
"""


class Folded(torch.nn.Module):
    """What is computed of the weight alone is folded."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(12, 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A linear layer with a scaled weight."""
        return torch.nn.functional.linear(x, self.weight * 2 + 1)


with tempfile.TemporaryDirectory() as folder:
    program = torch.export.export(Folded(), (torch.randn(3, 16),))
    options = {"aot_inductor.use_runtime_constant_folding": True}
    path = torch._inductor.aoti_compile_and_package(program, package_path=folder + "/model.pt2", inductor_configs=options)
    with zipfile.ZipFile(path) as package:
        package.extractall(folder)
    library = next(Path(folder).rglob("*.so"))
    status = subprocess.run([sys.executable, "-c", CHILD, str(library)]).returncode
    print(f"torch {torch.__version__}: filling the freed buffer again ended with status {status}")
    sys.exit(1 if status < 0 else 0)
