# SPDX-License-Identifier: Apache-2.0
"""The MLP 128-256-10 of seed S0, static and with a dynamic batch."""

from __future__ import annotations

import typing

from ..case import Case, case

if typing.TYPE_CHECKING:
    import torch


def _mlp() -> torch.nn.Module:
    from torch import nn

    return nn.Sequential(nn.Linear(128, 256), nn.GELU(), nn.Linear(256, 10))


@case(source="S0")
def mlp_static(c: Case) -> None:
    """The MLP with batch 4 and nothing dynamic: any other batch is outside the contract."""
    c.representative = True
    c.input("x", "float32", (4, 128))
    c.contraction = 256
    c.violation("batch_7", input="x", dim=0, size=7)
    c.violation("features_127", input="x", dim=1, size=127)
    c.model(_mlp)


@case(source="S0, S2 6.3, S2 ex.4")
def mlp_dynamic(c: Case) -> None:
    """The MLP with batch 1 to 64."""
    c.representative = True
    batch = c.dim("batch", min=1, max=64, example=8)
    c.input("x", "float32", (batch, 128))
    c.contraction = 256
    c.tasks(8)
    c.model(_mlp)


@case(source="S0, hybrid lowering: the example inputs may be fake")
def mlp_fake_example(c: Case) -> None:
    """The MLP with a dynamic batch, exported with an example input that has no data."""
    batch = c.dim("batch", min=1, max=64, example=8)
    c.input("x", "float32", (batch, 128))
    c.contraction = 256
    c.fake_example = True
    c.model(_mlp)


@case(source="S1 runtime: weights are shared by the instances of a model")
def wide_linear(c: Case) -> None:
    """16 MiB of weights: a second copy of them can be seen in the memory of the process."""
    c.input("x", "float32", (2, 2048))
    c.contraction = 2048
    c.weight_bytes = 2048 * 2048 * 4

    @c.model
    def build() -> torch.nn.Module:
        from torch import nn

        return nn.Linear(2048, 2048, bias=False)
