# SPDX-License-Identifier: Apache-2.0
"""What slice_scatter gives is a tensor of its own: a later write to its input does not change it.

requirement: NUM_1
source: pytorch#198094; torch.slice_scatter documentation
"""

import torch
from _programs import answer, loaded


class Scatter(torch.nn.Module):
    """Puts rows of one tensor into another."""

    def forward(self, x: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        """A tensor like x with two rows of source; x itself is cleared afterwards."""
        result = torch.slice_scatter(x, source[1:3], dim=0, start=1, end=3)
        x.zero_()
        return result


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers above zero and below."""
    return torch.arange(1.0, 25.0).reshape(4, 6), -torch.arange(1.0, 25.0).reshape(4, 6)


model = loaded(torch.export.export(Scatter(), inputs()))
eager, package = Scatter()(*inputs()), model(*inputs())
wrong = int((eager != package).sum())
answer(wrong == 0, f"{wrong} of 24 numbers differ from eager: its first row is {eager[0].tolist()}, the package's {package[0].tolist()}")
