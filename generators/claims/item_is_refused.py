# SPDX-License-Identifier: Apache-2.0
"""A call of .item() is refused by torch.export.

requirement: EXP_2
source: S2 3.2
"""

import torch
from _programs import answer, loaded, refusal, words_of


class Scale(torch.nn.Module):
    """Takes a number out of a tensor and only calculates with it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x times its own sum."""
        return x * x.sum().item()


x = torch.ones(2, 3)
programs: list[torch.export.ExportedProgram] = []
error = refusal(lambda: programs.append(torch.export.export(Scale(), (x,))))
if error:
    answer(True, words_of(error))
else:
    wrong = refusal(lambda: torch.testing.assert_close(loaded(programs[0])(x + 1), Scale()(x + 1)))
    answer(False, f"it exports; its package {'does not work: ' + words_of(wrong) if wrong else 'answers right for another input too'}")
