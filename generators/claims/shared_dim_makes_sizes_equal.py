# SPDX-License-Identifier: Apache-2.0
"""A Dim used by two inputs makes their sizes equal at run time: others are refused.

requirement: DYN_4
source: S2 3.3
"""

import os

import torch
from _programs import answer, loaded, refusal, words_of


class Add(torch.nn.Module):
    """Two inputs with one size."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Their sum."""
        return x + y


os.environ.pop("AOTI_RUNTIME_CHECK_INPUTS", None)
rows = torch.export.Dim("rows", min=2, max=16)
model = loaded(torch.export.export(Add(), (torch.ones(4, 3), torch.ones(4, 3)), dynamic_shapes={"x": {0: rows}, "y": {0: rows}}))
unequal = (torch.ones(4, 3), torch.ones(5, 3))
shapes: list[tuple[int, ...]] = []
error = refusal(lambda: shapes.append(tuple(model(*unequal).shape)))
eager = refusal(lambda: Add()(*unequal))
words = f"with 4 and 5 rows the package {'raises ' + words_of(error) if error else f'gives a result of shape {shapes[0]}'}"
answer(error is not None, f"{words}; eager PyTorch {'raises ' + words_of(eager) if eager else 'gives a result'}")
