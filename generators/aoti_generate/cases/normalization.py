# SPDX-License-Identifier: Apache-2.0
"""Normalisation layers and softmax, over static and dynamic dimensions."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


def _module(c: Case, make: typing.Callable[[typing.Any], torch.nn.Module]) -> None:
    """The model is one module, made from torch.nn."""

    @c.model
    def build() -> torch.nn.Module:
        import torch

        return make(torch.nn)


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def layer_norm(c: Case) -> None:
    """Layer norm of a dynamic batch and sequence."""
    batch, sequence = c.dim("items", min=2, max=6, example=3), c.dim("sequence", min=2, max=17, example=5)
    c.input("x", "float32", (batch, sequence, 12))
    c.contraction = 12
    _module(c, lambda nn: nn.LayerNorm(12))


@case(source="SPEC NUM-3, NUM-4", profile="full")
def layer_norm_of_bfloat16(c: Case) -> None:
    """Layer norm in bfloat16, which is computed in float32 in between."""
    sequence = c.dim("sequence", min=2, max=17, example=5)
    c.input("x", "bfloat16", (sequence, 48))
    c.contraction = 4
    _module(c, lambda nn: nn.LayerNorm(48).bfloat16())


@case(source="SPEC NUM-4, DYN-8", profile="full")
def layer_norm_over_a_dynamic_size(c: Case) -> None:
    """Layer norm over a dimension that is itself dynamic."""
    columns = c.dim("columns", min=2, max=40, example=9)
    c.input("x", "float32", (3, columns))
    c.contraction = 40
    c.forward(lambda torch, x: torch.nn.functional.layer_norm(x, (x.shape[1],)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def group_norm(c: Case) -> None:
    """Group norm of images of dynamic batch and width."""
    batch, width = c.dim("items", min=2, max=5, example=3), c.dim("width", min=2, max=9, example=6)
    c.input("x", "float32", (batch, 6, 4, width))
    c.contraction = 72
    _module(c, lambda nn: nn.GroupNorm(3, 6))


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def batch_norm(c: Case) -> None:
    """Batch norm of one dimension by running statistics, with and without weights."""
    batch = c.dim("items", min=2, max=20, example=5)
    c.input("x", "float32", (batch, 7))
    _module(c, lambda nn: nn.Sequential(nn.BatchNorm1d(7), nn.BatchNorm1d(7, affine=False, eps=0.125)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def batch_norm_of_the_batch(c: Case) -> None:
    """Batch norm by the statistics of a dynamic batch itself."""
    batch = c.dim("items", min=2, max=20, example=5)
    c.input("x", "float32", (batch, 7, 3))
    c.contraction = 60
    c.forward(lambda torch, x: torch.nn.functional.batch_norm(x, None, None, training=True))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def rms_norm(c: Case) -> None:
    """RMS norm, as a module and written by hand."""
    sequence = c.dim("sequence", min=2, max=17, example=5)
    c.input("x", "float32", (sequence, 24))
    c.contraction = 24

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Both(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.norm = torch.nn.RMSNorm(24, eps=1e-5)

            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                return self.norm(x), x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.norm.weight

        return Both()


@case(source="SPEC NUM-4, DYN-8", profile="full")
def softmax_over_a_dynamic_batch(c: Case) -> None:
    """Softmax over the first dimension, which ranges from 1."""
    batch = c.dim("batch", min=1, max=20, example=5)
    c.input("x", "float32", (batch, 6))
    c.contraction = 20
    c.forward(lambda torch, x: (x.softmax(0), x.log_softmax(0)))


@case(source="SPEC NUM-3, NUM-4", profile="full")
def softmax_of_half_precision(c: Case) -> None:
    """Softmax of bfloat16 and of float16, also with a float32 result."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("b", "bfloat16", (rows, 20))
    c.input("h", "float16", (rows, 20))
    c.contraction = 4
    c.forward(lambda torch, b, h: (b.softmax(1), h.softmax(1), torch.softmax(b, 1, dtype=torch.float32), h.log_softmax(1)))


@case(source="SPEC NUM-1, NUM-4", profile="full")
def masked_softmax(c: Case) -> None:
    """Softmax of rows with infinities taken out by a mask; a row of nothing but infinities is NaN."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 6))
    c.input("m", "bool", (rows, 6))
    c.call("all_masked", values={"m": ValueRange(1, 1, 0)})
    c.contraction = 6
    c.forward(
        lambda torch, x, m: (x.masked_fill(m, -torch.inf).softmax(1), x.masked_fill(m, -1e9).softmax(1), x.masked_fill(m, torch.inf).softmax(1))
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def losses(c: Case) -> None:
    """Cross entropy, mean squares, absolute, Huber, KL divergence and binary cross entropy over a dynamic batch."""
    batch = c.dim("items", min=2, max=20, example=5)
    c.input("x", "float32", (batch, 6))
    c.input("y", "float32", (batch, 6), ValueRange(1, 31, 5))
    c.input("k", "int64", (batch,), ValueRange(0, 5, 0))
    c.contraction = 120

    @c.forward
    def forward(torch, x, y, k):
        f = torch.nn.functional
        averages = [loss(x, y) for loss in (f.mse_loss, f.l1_loss, f.huber_loss, f.smooth_l1_loss, f.binary_cross_entropy_with_logits)]
        return *averages, f.cross_entropy(x, k), f.cross_entropy(x, k, reduction="none", label_smoothing=0.25), f.kl_div(x, y, reduction="sum")
