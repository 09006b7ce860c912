# SPDX-License-Identifier: Apache-2.0
"""A custom operator is serialised when compiling and found again at run time.

requirement: OPS_1
source: S1 ABI
"""

import torch
from _programs import answer, loaded

calls: list[int] = []


@torch.library.custom_op("aoti_claims::shift", mutates_args=())
def shift(x: torch.Tensor, by: int) -> torch.Tensor:
    """An operator that the compiler cannot look into."""
    calls.append(by)
    return x + by


@shift.register_fake
def _(x: torch.Tensor, by: int) -> torch.Tensor:
    return torch.empty_like(x)


class Uses(torch.nn.Module):
    """A program with the operator in its middle."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shifted, and doubled."""
        return shift(x * 2, 7) * 2


x = torch.ones(2, 3)
model = loaded(torch.export.export(Uses(), (x,)))
calls.clear()
right = torch.equal(model(x), torch.full((2, 3), 18.0))
answer(right and calls == [7], f"one run of the package calls the operator with {calls}; the answer is {'right' if right else 'wrong'}")
