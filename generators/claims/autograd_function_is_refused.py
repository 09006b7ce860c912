# SPDX-License-Identifier: Apache-2.0
"""A torch.autograd.Function is refused by torch.export.

requirement: EXP_2
source: S2 3.2, 9.2
"""

import torch
from _programs import answer, loaded, refusal, words_of


class Triple(torch.autograd.Function):
    """A forward pass with a derivative of its own."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: torch.Tensor) -> torch.Tensor:
        """Three times x."""
        return x * 3

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: torch.Tensor) -> torch.Tensor:
        """Not the derivative: whoever differentiates the forward pass gets another one."""
        return grad * 100


class Uses(torch.nn.Module):
    """A module that applies it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Three times x."""
        return Triple.apply(x)


x = torch.ones(2, 3)
programs: dict[bool, torch.export.ExportedProgram] = {}
errors = [refusal(lambda strict=strict: programs.update({strict: torch.export.export(Uses(), (x,), strict=strict)})) for strict in (False, True)]
said = [words_of(error) if error else "an exported program" for error in errors]
words = f"strict=False gives {said[0]}; strict=True gives {said[1]}"
if False in programs:
    wrong = refusal(lambda: torch.testing.assert_close(loaded(programs[False])(x), x * 3))
    words += f"; its package {'does not work: ' + words_of(wrong) if wrong else 'answers right'}"
answer(all(errors), words)
