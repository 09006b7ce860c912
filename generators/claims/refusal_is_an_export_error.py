# SPDX-License-Identifier: Apache-2.0
"""What torch.export raises where it refuses a program is torch.export.ExportError.

requirement: EXP_2
source: S2 3.2
"""

import torch
from _programs import answer, refusal


class Branch(torch.nn.Module):
    """Decides in Python by what a tensor holds."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One of two sums."""
        return x + 1 if x.sum() > 0 else x - 1


error = refusal(lambda: torch.export.export(Branch(), (torch.ones(2, 3),)))
promised = getattr(torch.export, "ExportError", None)
if error is None:
    raise SystemExit("a branch on data exports: there is no refusal to look at")
named = "torch.export has no ExportError" if promised is None else "torch.export.ExportError exists"
classes = [kind.__name__ for kind in type(error).__mro__ if kind not in (object, BaseException)]
answer(promised is not None and isinstance(error, promised), f"{named}; a branch on data raises {' < '.join(classes)}")
