# SPDX-License-Identifier: Apache-2.0
"""An integer division by zero in a compiled package ends the process with SIGFPE; eager PyTorch raises ZeroDivisionError.

Run: python integer_division_by_zero_ends_the_process.py. Exits 1 where it shows. Upstream: pytorch#143649.
"""

import os
import signal
import sys
import tempfile

import torch


class Divide(torch.nn.Module):
    """Integers over integers, towards zero."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return torch.div(a, b, rounding_mode="trunc")


a, b = torch.arange(1, 17), torch.ones(16, dtype=torch.int64)
with tempfile.TemporaryDirectory() as folder:
    package = torch._inductor.aoti_compile_and_package(torch.export.export(Divide(), (a, b)), package_path=f"{folder}/divide.pt2")
    child = os.fork()
    if child == 0:
        model = torch._inductor.aoti_load_package(package)
        try:
            model(a, torch.zeros_like(b))
        except RuntimeError:
            os._exit(0)
        os._exit(2)
    _, status = os.waitpid(child, 0)
died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGFPE
print("the process died of SIGFPE" if died else "the call was refused" if status == 0 else "the call was answered")
sys.exit(0 if status == 0 else 1)
