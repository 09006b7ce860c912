# SPDX-License-Identifier: Apache-2.0
"""Choosing an operator by the value of a tensor is not supported.

requirement: EXP_2
source: S2 9.2
"""

import torch
from _programs import answer, refusal, words_of


class Chooses(torch.nn.Module):
    """The first input says which operator the second one gets."""

    def forward(self, which: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Sine or cosine."""
        return (torch.sin, torch.cos)[int(which)](x)


example = (torch.tensor(1), torch.ones(2, 3))
errors = [refusal(lambda strict=strict: torch.export.export(Chooses(), example, strict=strict)) for strict in (False, True)]
said = [words_of(error) if error else "an exported program" for error in errors]
answer(all(errors), f"strict=False gives {said[0]}; strict=True gives {said[1]}")
