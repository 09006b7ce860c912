# SPDX-License-Identifier: Apache-2.0
"""Just-in-time and ahead-of-time compilation of sin, mm, cos on 64 x 64 give the same answer.

requirement: EXP_6
source: S1 objective
"""

import torch
from _programs import answer, loaded


class SinMmCos(torch.nn.Module):
    """The example of the slides."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The cosine of a product of matrices."""
        return torch.cos(torch.mm(torch.sin(x), y))


inputs = (torch.randn(64, 64), torch.randn(64, 64))
exact = SinMmCos()(*(x.double() for x in inputs))
eager = SinMmCos()(*inputs)
just_in_time = torch.compile(SinMmCos())(*inputs)
ahead_of_time = loaded(torch.export.export(SinMmCos(), inputs))(*inputs)
apart = (just_in_time - ahead_of_time).abs().max().item()
errors = {name: (result - exact).abs().max().item() for name, result in (("eager", eager), ("JIT", just_in_time), ("AOT", ahead_of_time))}
words = f"JIT and AOT are {apart:.1e} apart at most; errors against float64: " + ", ".join(f"{name} {error:.1e}" for name, error in errors.items())
answer(max(errors.values()) < 10 * errors["eager"] and apart < 10 * errors["eager"], words)
