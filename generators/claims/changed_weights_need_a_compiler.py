# SPDX-License-Identifier: Apache-2.0
"""A changed model must be compiled again.

requirement: EXP_7
source: S2 9.1
"""

import torch
from _programs import answer, loaded


class Shifted(torch.nn.Module):
    """Parameters of 128, 16 and 4 elements."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(8, 16)
        self.shift = torch.nn.Parameter(torch.randn(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer, its outputs in fours, and the shift."""
        return self.linear(x).view(-1, 4) + self.shift


old, new, x = Shifted(), Shifted(), torch.randn(2, 8)
model = loaded(torch.export.export(old, (x,)))
if not hasattr(model, "load_constants"):
    answer(True, "a loaded package has no load_constants, and so no way to take other weights")
else:
    there = model.get_constant_fqns()
    weights = dict(new.state_dict())
    gone = [f"{name} of {value.numel()} elements" for name, value in weights.items() if name not in there]
    with torch.no_grad():
        new.load_state_dict({**old.state_dict(), **{name: weights[name] for name in there}})
        before = (model(x) - old(x)).abs().max().item()
        model.load_constants({name: weights[name] for name in there}, check_full_update=True)
        after = (model(x) - new(x)).abs().max().item()
    words = f"load_constants replaces {' and '.join(there)}: {before:.1e} from eager before, {after:.1e} from eager with the new ones after; "
    words += f"compiled in for good: {', '.join(gone) or 'none'}"
    answer(before > 1e-4 or after > 1e-4, words)
