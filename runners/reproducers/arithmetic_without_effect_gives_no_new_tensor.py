# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: x + 0 and x * 1 are taken out of a program, so that its package returns the caller's own memory, and a value
that was to be kept from before the update of a buffer is the one after it. Eager PyTorch makes new tensors.

usage: python arithmetic_without_effect_gives_no_new_tensor.py      exit status 1 where either is so, 0 where neither is; compiles for a minute
"""

import tempfile

import torch


class NewTensors(torch.nn.Module):
    """Two results that are equal to their inputs."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Adds nothing, and multiplies by one."""
        return x + 0, y * 1


class Running(torch.nn.Module):
    """A running total."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The total before this call."""
        before = self.total + 0
        self.total.add_(x)
        return before


with tempfile.TemporaryDirectory() as folder:
    x, y = torch.ones(4, 4), torch.ones(4, 4)
    program = torch.export.export(NewTensors(), (x, y))
    model = torch._inductor.aoti_load_package(torch._inductor.aoti_compile_and_package(program, package_path=folder + "/new.pt2"))
    shared = [result.data_ptr() == given.data_ptr() for result, given in zip(model(x, y), (x, y), strict=True)]
    program = torch.export.export(Running(), (torch.ones(3),))
    model = torch._inductor.aoti_load_package(torch._inductor.aoti_compile_and_package(program, package_path=folder + "/running.pt2"))
    before = model(torch.ones(3)).tolist()
    print(f"torch {torch.__version__}: results share memory with the inputs: {shared}; the total before the first call: {before}, eager says 0")
    raise SystemExit(1 if any(shared) or any(before) else 0)
