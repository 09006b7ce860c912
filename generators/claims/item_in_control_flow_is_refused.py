# SPDX-License-Identifier: Apache-2.0
"""A call of .item() that decides which way the program takes is refused by torch.export.

requirement: EXP_2
source: S2 3.2
"""

import torch
from _programs import answer, refusal, words_of


class Branch(torch.nn.Module):
    """Decides by a number taken out of a tensor."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x or twice x."""
        return x * 2 if x.sum().item() > 0 else x


errors = [refusal(lambda strict=strict: torch.export.export(Branch(), (torch.ones(2, 3),), strict=strict)) for strict in (False, True)]
said = [words_of(error) if error else "an exported program" for error in errors]
answer(all(errors), f"strict=False gives {said[0]}; strict=True gives {said[1]}")
