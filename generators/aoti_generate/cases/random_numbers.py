# SPDX-License-Identifier: Apache-2.0
"""Random numbers: a package draws its own, which nobody promises, so a program answers what holds of them whatever they are."""

from __future__ import annotations

from ..case import Case, case


@case(source="SPEC NUM-4", profile="full")
def random_numbers(c: Case) -> None:
    """Bounds, permutations, certain draws and moments of random numbers: a true sentence is false once in 10^20 calls at most."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 40))

    @c.forward
    def forward(torch, x):
        uniform, normal = torch.rand(512), torch.randn(512)
        numbers = torch.randint(3, 9, (x.shape[0], 7))
        dropped = torch.nn.functional.dropout(x, 0.5, True)
        return (
            ((uniform >= 0) & (uniform < 1)).all(),
            (uniform.mean() - 0.5).abs() < 0.15,  # eleven standard deviations, as below
            (normal.square().mean() - 1).abs() < 0.7,
            ((numbers >= 3) & (numbers < 9)).all(1),
            ((dropped == 0) | (dropped == 2 * x)).all(1),
            (dropped == 0).sum() < 40 * x.shape[0],
            torch.randperm(x.shape[0]).sort().values,
            torch.bernoulli(torch.zeros_like(x)),
            torch.bernoulli(torch.ones_like(x)),
            torch.nn.functional.dropout(x, 1.0, True),
            torch.multinomial(torch.eye(5), 1),
            (torch.rand(64) == torch.rand(64)).all(),
        )
