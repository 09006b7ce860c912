# SPDX-License-Identifier: Apache-2.0
"""A fake example input spares the memory of activations during export.

requirement: EXP_4
source: S0 code: aoti_compile
"""

from pathlib import Path

import torch
from _programs import answer
from torch._subclasses.fake_tensor import FakeTensorMode

MEBI = 2**20


class Wide(torch.nn.Module):
    """A small input, an activation of 256 MiB, a small output."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum of the activation."""
        return (x.expand(64 * MEBI) * 2).sum()


def peak(task: str) -> int:
    """Largest resident size since it was last reset, in bytes."""
    if task == "reset":
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def growth(example: torch.Tensor) -> float:
    """MiB that an export takes at most beyond what was there."""
    before = peak("reset")
    torch.export.export(Wide(), (example,))
    return (peak("read") - before) / MEBI


x = torch.ones(1)
with FakeTensorMode():
    fake = torch.empty(1)
torch.export.export(Wide(), (x,))  # the first export of a process imports much
before = peak("reset")
Wide()(x)
eager = (peak("read") - before) / MEBI
with_real, with_fake = growth(x), growth(fake)
words = f"a run in eager mode takes {eager:.0f} MiB more, export with a real input {with_real:.0f} MiB, with a fake one {with_fake:.0f} MiB"
answer(with_real > 128 and with_fake < 128, words)
