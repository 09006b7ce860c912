# SPDX-License-Identifier: Apache-2.0
"""Python side effects are not supported: a package does not have them.

requirement: EXP_2
source: S2 9.2
"""

import torch
from _programs import answer, refusal, words_of

calls: list[str] = []


class Counts(torch.nn.Module):
    """Writes down each of its calls."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Twice x."""
        calls.append("called")
        return x * 2


x = torch.ones(2, 3)
programs: list[torch.export.ExportedProgram] = []
error = refusal(lambda: programs.append(torch.export.export(Counts(), (x,))))
if error:
    answer(True, f"export refuses them: {words_of(error)}")
else:
    while_exporting = len(calls)
    module = programs[0].module()
    module(x)
    module(x)
    later = len(calls) - while_exporting
    answer(
        later == 0, f"export says nothing: the effect happens {while_exporting} times while it traces, and {later} times in 2 runs of what it gives"
    )
