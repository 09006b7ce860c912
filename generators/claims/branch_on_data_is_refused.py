# SPDX-License-Identifier: Apache-2.0
"""Control flow that depends on the values of a tensor is refused by torch.export.

requirement: EXP_2
source: S2 3.2, 9.2; S4 4
"""

import torch
from _programs import answer, refusal, words_of


class Branch(torch.nn.Module):
    """Decides in Python by what a tensor holds."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One of two sums."""
        return x + 1 if x.sum() > 0 else x - 1


errors = [refusal(lambda strict=strict: torch.export.export(Branch(), (torch.ones(2, 3),), strict=strict)) for strict in (False, True)]
said = [words_of(error) if error else "an exported program" for error in errors]
answer(all(errors), f"strict=False gives {said[0]}; strict=True gives {said[1]}")
