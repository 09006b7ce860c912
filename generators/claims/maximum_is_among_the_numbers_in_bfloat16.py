# SPDX-License-Identifier: Apache-2.0
"""The largest of bfloat16 quotients is equal to one of them.

requirement: NUM_1
source: pytorch#195214
"""

import torch
from _programs import answer, loaded


class Ties(torch.nn.Module):
    """How often the largest of several numbers occurs among them: at least once."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One count per row."""
        quotients = x / 3.0
        return (quotients == quotients.amax(-1, keepdim=True)).sum(-1)


x = torch.arange(1, 34, dtype=torch.bfloat16)[:, None] * torch.arange(1, 18, dtype=torch.bfloat16)
eager, package = Ties()(x), loaded(torch.export.export(Ties(), (x,)))(x)
answer(int(package.min()) > 0, f"in {int((package == 0).sum())} of 33 rows no number is equal to the largest, in eager in {int((eager == 0).sum())}")
