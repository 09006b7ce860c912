# SPDX-License-Identifier: Apache-2.0
"""Large matrix products that leave the answer as it is, to be timed on a device: twins of `where`, whose golden they have. Named only."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..placement import cuda

if typing.TYPE_CHECKING:
    import torch


def _products(torch: typing.Any, y: torch.Tensor, size: int) -> torch.Tensor:
    """Five products of size x size matrices, by the identity: the answer stays that of a small program."""
    index = torch.arange(size, device=y.device)
    identity = (index[:, None] == index).to(y.dtype)
    large = torch.nn.functional.pad(y, (0, size - y.shape[1], 0, size - y.shape[0]))
    for _ in range(5):
        large = torch.mm(large, identity)
    return typing.cast("torch.Tensor", large[: y.shape[0], : y.shape[1]].clone())


def _doubled_above_zero(c: Case, then: typing.Callable[[typing.Any, torch.Tensor], torch.Tensor]) -> None:
    """The program `where`, and on a device something after it that leaves its answer as it is."""
    rows = c.dim("rows", min=2, max=32, example=4)
    c.input("x", "float32", (rows, 8))

    @c.forward
    def forward(torch, x):
        y = torch.where(x > 0, x * 2, x)
        return y if cuda() == "cpu" else then(torch, y)


@case(source="S2 8, exercise 5: 5 large GEMMs", device="cuda", twin_of="where", profile="named")
def large_products(c: Case) -> None:
    """Five products of 4096 x 4096 matrices: their launches cost next to nothing."""
    _doubled_above_zero(c, lambda torch, y: _products(torch, y, 4096))


@case(source="S2 exercise 1: static against dynamic hidden size", device="cuda", twin_of="where", profile="named")
def static_hidden(c: Case) -> None:
    """Five products of a size that the compiler knows, 1024."""
    _doubled_above_zero(c, lambda torch, y: _products(torch, y, 1024))


@case(source="S2 exercise 1: static against dynamic hidden size", device="cuda", twin_of="where", profile="named")
def dynamic_hidden(c: Case) -> None:
    """Five products of a size that is known only when it runs, and 1024 in the example."""
    _doubled_above_zero(c, lambda torch, y: _products(torch, y, 256 * y.shape[0]))
