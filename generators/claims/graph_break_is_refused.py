# SPDX-License-Identifier: Apache-2.0
"""A program with a graph break is refused by torch.export, with an exception.

requirement: EXP_2
source: S4 4; S2 3.2
"""

import torch
from _programs import answer, refusal, words_of


class Breaks(torch.nn.Module):
    """Asks for a graph break, which torch.compile grants."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Twice x, plus one."""
        y = x * 2
        torch._dynamo.graph_break()
        return y + 1


errors = [refusal(lambda strict=strict: torch.export.export(Breaks(), (torch.ones(2, 3),), strict=strict)) for strict in (False, True)]
said = [words_of(error) if error else "an exported program" for error in errors]
answer(errors[0] is not None, f"strict=False gives {said[0]}; strict=True gives {said[1]}")
